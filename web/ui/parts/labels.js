/** Labels of an opened thing: a name that leads somewhere, and a cross that takes it away. */

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {string} name
 * @param {{title: string, color?: string, open: () => void}} about
 * @param {() => void} remove
 */
export function labelChip(name, { title, color, open }, remove) {
  const face = h("button", { class: "chip is-label", type: "button", title, onclick: open }, h("span", {}, name));
  if (color) face.style.setProperty("--mark", color);
  face.classList.toggle("is-marked", Boolean(color));
  const text = `Remove ${name}`;
  const cross = h("button", { class: "chip-close", type: "button", "aria-label": text, title: text, onclick: remove }, icon("close"));
  return h("span", { class: "chip-pair model-label" }, face, cross);
}

/**
 * @param {string} title
 * @param {() => void} act
 */
export const labelAdder = (title, act) =>
  h("button", { class: "chip is-adder", type: "button", title, "aria-label": title, onclick: act }, icon("plus"));

/**
 * The keyboard stays in the row that is drawn anew.
 * @param {HTMLElement} row
 * @param {...HTMLElement} children
 */
export function keepFocus(row, ...children) {
  const focused = row.matches(":focus-within");
  fill(row, ...children);
  if (focused) /** @type {HTMLElement | null} */ (row.querySelector(".is-adder"))?.focus({ preventScroll: true });
}
