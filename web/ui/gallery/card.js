/** One picture in the grid. */

import { api } from "../data/api.js";
import { whileBusy } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { levelName } from "./levels.js";

/** @typedef {import("../data/api.js").Item} Item */

/**
 * What can be done with a picture from its card.
 * @typedef {object} CardActs
 * @property {boolean} canLoad whether there is a workflow to load into
 * @property {(item: Item) => boolean} covered whether it is not to be seen without being asked for
 * @property {(item: Item) => void} open or uncover
 * @property {(item: Item) => Promise<void>} load
 * @property {(item: Item) => Promise<unknown>} toInput
 * @property {(item: Item) => void} star
 * @property {(item: Item, anchor: Element) => void} more
 */

/**
 * Minutes and seconds.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * What a screen reader says of a picture.
 * @param {Item} item
 */
export function describe(item) {
  const kind = item.meta.type === "video" ? "Video" : "Picture";
  const by = item.meta.username ? ` by ${item.meta.username}` : "";
  const prompt = item.meta.prompt ? `: ${item.meta.prompt.slice(0, 120)}` : "";
  return `${kind}${by}${prompt}`;
}

/**
 * The same of one that is covered.
 * @param {Item} item
 */
export const coveredWords = (item) => `Covered, level ${levelName(item.nsfw_level)}: open to see it`;

/** The element is one row of the grid with one cell: columns of pictures have no rows of their own. */
export class Card {
  /**
   * @param {Item} item
   * @param {CardActs} acts
   */
  constructor(item, acts) {
    this.item = item;
    this.acts = acts;
    this.image = h("img", {
      class: "card-image",
      alt: "",
      decoding: "async",
      draggable: "false",
      onload: () => this.cell.classList.add("has-image"),
      onerror: () => this.#showMissing(),
    });
    this.badge = h("span", { class: "card-badge" });
    this.star = h(
      "button",
      { class: "card-star", type: "button", tabindex: "-1", onclick: () => acts.star(this.item) },
      icon("star"),
    );
    this.veil = h("span", { class: "card-veil", hidden: true }, icon("hidden"), h("span"));
    this.cell = h(
      "div",
      { class: "card", role: "gridcell", tabindex: "-1" },
      this.image,
      this.veil,
      this.badge,
      this.star,
    );
    this.element = h("div", { class: "card-row", role: "row" }, this.cell);
    this.cell.addEventListener("pointerenter", () => this.#offerActs());
    this.cell.addEventListener("focusin", () => this.#offerActs());
    this.cell.addEventListener("click", (event) => {
      if (!(event.target instanceof Element) || !event.target.closest("button")) acts.open(this.item);
    });
    this.cell.addEventListener("contextmenu", (event) => {
      // A long press; with a mouse the browser's own menu is worth more.
      if (!(event instanceof PointerEvent) || event.pointerType !== "touch") return;
      event.preventDefault();
      acts.more(this.item, this.cell);
    });
    this.image.src = api.thumb(item.id);
    this.update(item);
  }

  /** @param {Item} item */
  update(item) {
    this.item = item;
    const video = item.meta.type === "video";
    const covered = this.acts.covered(item);
    const starred = item.starred ? ", starred" : "";
    this.cell.setAttribute("aria-label", covered ? coveredWords(item) : describe(item) + starred);
    this.cell.classList.toggle("is-covered", covered);
    this.veil.hidden = !covered;
    if (covered) fill(/** @type {Element} */ (this.veil.lastChild), levelName(item.nsfw_level));
    this.star.setAttribute("aria-pressed", String(item.starred));
    this.star.title = item.starred ? "Remove star (s)" : "Star (s)";
    this.star.setAttribute("aria-label", item.starred ? "Remove star" : "Star");
    this.badge.hidden = !video;
    if (video) fill(this.badge, item.meta.duration ? clock(item.meta.duration) : icon("video"));
  }

  /** @param {import("./columns.js").Cell} cell */
  place(cell) {
    const { style } = this.element;
    style.transform = `translate(${cell.x}px, ${cell.y}px)`;
    style.width = `${cell.width}px`;
    style.height = `${cell.height}px`;
  }

  /** The buttons come with the first visit: a page of cards has hundreds of them otherwise. */
  #offerActs() {
    if (this.bar) return;
    const { acts } = this;
    const main = acts.canLoad
      ? button("load", "Load", "Load in workflow", () => acts.load(this.item), "main")
      : button("input", "Send", "Send to input", () => acts.toInput(this.item), "main");
    const send = button("input", "", "Send to input", () => acts.toInput(this.item), "send");
    const more = button("more", "", "More", () => acts.more(this.item, more));
    this.bar = h("div", { class: "card-acts" }, main, acts.canLoad && send, more);
    this.cell.append(this.bar);
  }

  #showMissing() {
    this.cell.classList.add("is-missing");
    this.image.replaceWith(icon(this.item.meta.type === "video" ? "video" : "image"));
  }
}

/**
 * @param {import("../parts/icons.js").IconName} name
 * @param {string} text
 * @param {string} title
 * @param {() => Promise<unknown> | void} act
 * @param {string} [kind]
 */
function button(name, text, title, act, kind = "") {
  const element = h(
    "button",
    {
      type: "button",
      class: `card-act ${kind}`,
      title,
      "aria-label": title,
      onclick: () => whileBusy(element, act),
    },
    icon(name),
    text && h("span", {}, text),
  );
  return element;
}
