/** A chip that opens a choice, and shows what was chosen with a way to take it back. */

import { dot } from "../parts/colour.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";

export class MenuChip {
  /**
   * @param {{word: string, title: string, open: (anchor: Element) => unknown, clear: () => void}} about
   */
  constructor({ word, title, open, clear }) {
    this.word = word;
    this.title = title;
    this.button = h("button", { class: "chip", type: "button", onclick: () => open(this.button) });
    this.close = h("button", { class: "chip-close", type: "button", onclick: clear }, icon("close"));
    this.element = h("span", { class: "chip-pair" }, this.button, this.close);
    this.known = "";
    this.show("", "");
  }

  /** @param {boolean} value */
  set disabled(value) {
    this.button.disabled = value;
  }

  /**
   * @param {string} chosen empty: nothing is
   * @param {string} all what there is when it is taken back
   * @param {string} [color] of what was chosen
   */
  show(chosen, all, color = "") {
    /** @type {string} */
    const known = `${chosen}\n${all}\n${color}`;
    if (known === this.known) return;
    this.known = known;
    fill(this.button, color && dot(color), h("span", {}, chosen || this.word), !chosen && icon("down"));
    this.button.title = chosen ? `Only ${chosen}` : this.title;
    this.button.classList.toggle("is-on", Boolean(chosen));
    this.close.hidden = !chosen;
    this.close.setAttribute("aria-label", `${all}, not only ${chosen}`);
  }
}
