/** Labels of an opened thing: names that lead somewhere, each with a cross that takes it away. */

import { dot } from "./colour.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} Label
 * @property {string | number} id
 * @property {string} name
 * @property {string} title where it leads
 * @property {string} [color]
 * @property {() => void} open
 * @property {() => void} remove
 */

export class LabelRow {
  /**
   * @param {string} title of the button that adds one
   * @param {(anchor: Element) => unknown} add
   */
  constructor(title, add) {
    const props = { class: "chip is-adder", type: "button", title, "aria-label": title };
    this.adder = h("button", { ...props, onclick: () => add(this.adder) }, icon("plus"));
    this.element = h("div", { class: "model-chips-row" }, this.adder);
    this.known = "[]";
  }

  /**
   * Labels that are the same are left alone: the keyboard may be at one of them.
   * @param {Label[]} labels
   */
  show(labels) {
    const known = JSON.stringify(labels.map(({ id, name, color }) => [id, name, color]));
    if (known === this.known) return;
    this.known = known;
    const focused = this.element.matches(":focus-within");
    fill(this.element, ...labels.map(labelChip), this.adder);
    if (focused) this.adder.focus({ preventScroll: true });
  }
}

/** @param {Label} label */
function labelChip({ name, title, color, open, remove }) {
  const props = { class: "chip is-label", type: "button", title, onclick: open };
  const face = h("button", props, color && dot(color), h("span", {}, name));
  const text = `Remove ${name}`;
  const cross = h("button", { class: "chip-close", type: "button", "aria-label": text, title: text, onclick: remove }, icon("close"));
  return h("span", { class: "chip-pair model-label" }, face, cross);
}
