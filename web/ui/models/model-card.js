/** One model in the grid; the same card shows another when the list is another. */

import { keyOf } from "../data/library-calls.js";
import { whileBusy } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { shortBase, titleOf, typeName } from "./names.js";
import { placeholder } from "./placeholder.js";

/** @typedef {import("../data/library-calls.js").Model} Model */

/**
 * @typedef {object} ModelCardActs
 * @property {(model: Model) => void} open
 * @property {import("./model-acts.js").MainAct} main
 * @property {(model: Model) => void} favour
 * @property {(model: Model, anchor: Element) => void} more
 * @property {(index: number, event: {shiftKey: boolean}) => void} select
 * @property {(key: string) => boolean} isSelected
 * @property {(model: Model) => {address: string, covered: boolean}} face
 */

export class ModelCard {
  /** @param {ModelCardActs} acts */
  constructor(acts) {
    this.acts = acts;
    this.index = -1;
    /** @type {Model | undefined} */
    this.model = undefined;
    this.address = "";
    /** An address without a picture is not asked again at each redraw. */
    this.broken = "";
    this.drawn = "";
    this.image = h("img", {
      class: "card-image",
      alt: "",
      decoding: "async",
      draggable: "false",
      hidden: true,
      onload: () => this.cell.classList.add("has-image"),
      onerror: () => {
        this.broken = this.address;
        this.#setImage("");
        this.#drawFace();
      },
    });
    this.face = h("span", { class: "model-face", "aria-hidden": "true" });
    this.base = h("span", { class: "card-badge" });
    this.state = h("span", { class: "card-badge is-state" });
    this.name = h("span", { class: "model-name" });
    this.about = h("span", { class: "model-about" });
    this.tick = h(
      "button",
      { class: "model-tick", type: "button", tabindex: "-1", onclick: (/** @type {MouseEvent} */ event) => acts.select(this.index, event) },
      icon("check"),
    );
    this.heart = h(
      "button",
      { class: "model-heart", type: "button", tabindex: "-1", onclick: () => this.model && acts.favour(this.model) },
      icon("heart"),
    );
    this.words = h("span", { class: "model-words" }, this.name, this.about);
    this.badges = h("span", { class: "model-badges" }, this.base, this.state);
    this.cell = h(
      "div",
      { class: "model-card", role: "gridcell", tabindex: "-1" },
      this.face,
      this.image,
      this.words,
      this.badges,
      this.tick,
      this.heart,
    );
    this.element = h("div", { class: "model-place", role: "row" }, this.cell);
    this.cell.addEventListener("pointerenter", () => this.#offerActs());
    this.cell.addEventListener("focusin", () => this.#offerActs());
    this.cell.addEventListener("click", (event) => this.#onClick(event));
    this.cell.addEventListener("contextmenu", (event) => {
      // A long press; with a mouse the browser's own menu is worth more.
      if (!(event instanceof PointerEvent) || event.pointerType !== "touch" || !this.model) return;
      event.preventDefault();
      acts.more(this.model, this.cell);
    });
  }

  /**
   * @param {number} index
   * @param {Model | undefined} model undefined: it is on its way
   */
  show(index, model) {
    const same = model === this.model && index === this.index && model !== undefined;
    this.index = index;
    this.model = model;
    this.cell.classList.toggle("is-waiting", !model);
    if (!model) {
      this.cell.setAttribute("aria-label", "Loading");
      this.#setImage("");
      this.#drawFace();
      return;
    }
    this.#showFace(model);
    this.#showSelected(model);
    if (same) return;
    const title = titleOf(model);
    const missing = model.status === "missing";
    this.name.replaceChildren(...breakable(title));
    this.name.title = title.length > 24 ? title : "";
    this.about.textContent = [typeName(model.type), model.size_bytes ? sizeText(model.size_bytes) : ""]
      .filter(Boolean)
      .join(" · ");
    this.base.textContent = shortBase(model.base_model);
    this.base.title = model.base_model;
    this.base.hidden = !model.base_model;
    this.state.textContent = missing ? "Missing" : model.duplicate ? `${model.places?.length ?? 2}×` : "";
    this.state.title = missing ? "Its file is gone" : "The same file is there more than once";
    this.state.hidden = !this.state.textContent;
    this.cell.classList.toggle("is-gone", missing);
    const favourite = model.favorite ? "Remove from favourites" : "Add to favourites";
    this.heart.setAttribute("aria-pressed", String(model.favorite));
    this.heart.title = `${favourite} (f)`;
    this.heart.setAttribute("aria-label", favourite);
    this.cell.setAttribute("aria-label", describe(model));
    if (this.main) this.main.hidden = !this.acts.main.can(model);
  }

  /** @param {{x: number, y: number}} at @param {number} width @param {number} height */
  place({ x, y }, width, height) {
    const { style } = this.element;
    style.transform = `translate(${x}px, ${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }

  /** @param {Model} model */
  #showFace(model) {
    const { address, covered } = this.acts.face(model);
    this.cell.classList.toggle("is-covered", covered);
    this.#setImage(address);
    this.#drawFace();
  }

  /** What stands there without a picture. */
  #drawFace() {
    const { model } = this;
    const wanted = this.address || !model ? "" : keyOf(model);
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    fill(this.face, model && wanted ? placeholder(titleOf(model)) : null);
  }

  /** @param {Model} model */
  #showSelected(model) {
    const selected = this.acts.isSelected(keyOf(model));
    this.cell.classList.toggle("is-chosen", selected);
    this.tick.setAttribute("aria-pressed", String(selected));
    this.tick.title = selected ? "Deselect (x)" : "Select (x)";
    this.tick.setAttribute("aria-label", `Select ${titleOf(model)}`);
  }

  /** @param {string} address */
  #setImage(address) {
    if (address === this.broken) address = "";
    if (address === this.address) return;
    this.address = address;
    this.cell.classList.remove("has-image");
    this.image.hidden = !address;
    if (address) this.image.src = address;
    else this.image.removeAttribute("src");
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    if (!this.model || (event.target instanceof Element && event.target.closest("button"))) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.acts.select(this.index, event);
    else this.acts.open(this.model);
  }

  /** The buttons come with the first visit: a page of cards has hundreds of them otherwise. */
  #offerActs() {
    const { main, more } = this.acts;
    if (this.bar) return;
    const run = async () => this.model && main.run(this.model);
    const first = h(
      "button",
      {
        class: "card-act main",
        type: "button",
        title: main.title,
        "aria-label": main.text,
        onclick: () => whileBusy(first, run),
      },
      icon(main.sign),
      h("span", {}, main.short),
    );
    const button = h(
      "button",
      { class: "card-act", type: "button", title: "More", "aria-label": "More", onclick: () => this.model && more(this.model, button) },
      icon("more"),
    );
    this.main = first;
    this.bar = h("span", { class: "model-acts" }, first, h("span", { class: "spacer" }), button);
    first.hidden = !this.model || !main.can(this.model);
    this.cell.append(this.bar);
  }
}

/**
 * A name that may be broken where its words end; the text stays the same.
 * @param {string} name
 * @returns {(string | Element)[]}
 */
const breakable = (name) => name.split(/(?<=[_.-])/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));

/**
 * What a screen reader says of it.
 * @param {Model} model
 */
function describe(model) {
  const parts = [titleOf(model), typeName(model.type), model.base_model];
  if (model.status === "missing") parts.push("missing");
  if (model.favorite) parts.push("favourite");
  return parts.filter(Boolean).join(", ");
}
