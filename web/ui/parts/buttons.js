/** Buttons that are an icon, and switches that look like chips. */

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
