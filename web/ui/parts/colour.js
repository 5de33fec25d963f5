/** The colour of a tag or a collection: a dot beside its name, and the field that sets it. */

import { h } from "./dom.js";

const PLAIN = "#808080";

/** @param {string} color empty: only its room */
export function dot(color) {
  const made = h("span", { class: "dot" });
  made.style.background = color;
  return made;
}

export class ColourField {
  /** @param {(color: string) => unknown} save */
  constructor(save) {
    const onchange = () => save(this.element.value);
    this.element = h("input", { class: "colour", type: "color", title: "Colour", onchange });
  }

  /**
   * @param {string} name whose colour it is
   * @param {string} [color] empty: none
   */
  show(name, color) {
    this.element.value = color || PLAIN;
    this.element.classList.toggle("is-none", !color);
    this.element.setAttribute("aria-label", `Colour of ${name}`);
  }
}
