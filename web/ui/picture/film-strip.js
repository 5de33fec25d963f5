/** The pictures before and after the opened one. */

import { api } from "../data/api.js";
import { describe } from "../gallery/card.js";
import { h } from "../parts/dom.js";

/** @typedef {import("../data/api.js").Item} Item */

const EACH_SIDE = 14;

export class FilmStrip {
  /**
   * @param {(item: Item) => void} open
   * @param {(item: Item) => boolean} covered
   */
  constructor(open, covered) {
    this.open = open;
    this.covered = covered;
    /** @type {Map<string, HTMLButtonElement>} */
    this.frames = new Map();
    this.element = h("div", { class: "film", role: "group", "aria-label": "Pictures around it" });
  }

  /**
   * @param {Item[]} items
   * @param {number} index of the opened one
   */
  show(items, index) {
    const near = items.slice(Math.max(0, index - EACH_SIDE), index + EACH_SIDE + 1);
    const frames = near.map((item) => this.frames.get(item.id) ?? this.#frame(item));
    this.frames = new Map(near.map((item, at) => [item.id, /** @type {HTMLButtonElement} */ (frames[at])]));
    if (frames.some((frame, at) => this.element.children[at] !== frame)) {
      this.element.replaceChildren(...frames);
    }
    for (const [at, item] of near.entries()) frames[at]?.classList.toggle("is-covered", this.covered(item));
    for (const [id, frame] of this.frames) {
      frame.toggleAttribute("aria-current", id === items[index]?.id);
    }
    const current = this.frames.get(items[index]?.id ?? "");
    if (!current) return;
    const middle = current.offsetLeft + current.offsetWidth / 2 - this.element.clientWidth / 2;
    this.element.scrollTo({ left: middle });
  }

  /** @param {Item} item */
  #frame(item) {
    return h(
      "button",
      {
        class: "film-frame",
        type: "button",
        tabindex: "-1",
        "aria-label": describe(item),
        onclick: () => this.open(item),
      },
      h("img", { src: api.thumb(item.id, 160), alt: "", loading: "lazy", decoding: "async" }),
    );
  }
}
