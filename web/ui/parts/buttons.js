/** Buttons that are an icon, switches that look like chips, and what cannot be pressed twice. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {import("./icons.js").IconName} name
 * @param {string} title what it does, as tooltip and for screen readers
 * @param {() => unknown} act
 * @param {string} [kind] further classes
 */
export function iconButton(name, title, act, kind = "") {
  return h(
    "button",
    { class: `icon-button ${kind}`, type: "button", title, "aria-label": title, onclick: act },
    icon(name),
  );
}

/**
 * @param {string | Element} face
 * @param {string} title
 * @param {() => unknown} act
 */
export function chip(face, title, act) {
  return h(
    "button",
    { class: "chip", type: "button", title, "aria-label": title, "aria-pressed": "false", onclick: act },
    face,
  );
}

/**
 * It cannot be pressed again until the work is over; then the keyboard is where it was.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<unknown> | void} work
 */
export async function whileBusy(button, work) {
  const focused = button.matches(":focus");
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
    // A button that is disabled loses the keyboard to nowhere.
    if (focused && document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}
