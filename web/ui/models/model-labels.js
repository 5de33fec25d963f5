/** Tags and collections of the opened model: each taken away by its cross, added by its name. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { askName } from "./name-field.js";

/**
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 * @typedef {import("../data/library-calls.js").ModelTag} ModelTag
 * @typedef {import("../data/library-calls.js").Collection} Collection
 */

export class ModelLabels {
  /**
   * @param {{notice: import("../parts/notice.js").Notice, changed: () => Promise<void>,
   *   showTag: (tag: ModelTag) => void}} acts
   */
  constructor(acts) {
    this.acts = acts;
    this.key = "";
    /** @type {Collection[]} */
    this.collections = [];
    this.tags = h("div", { class: "model-chips-row" });
    this.inside = h("div", { class: "model-chips-row" });
    this.element = h(
      "div",
      {},
      h("section", { class: "picture-section" }, h("header", {}, h("h3", {}, "Tags")), this.tags),
      h("section", { class: "picture-section" }, h("header", {}, h("h3", {}, "Collections")), this.inside),
    );
  }

  /**
   * @param {string} key
   * @param {FullModel} model
   */
  show(key, model) {
    const other = key !== this.key;
    this.key = key;
    const add = this.#adder("Add a tag", () => this.#askTag(add));
    const chips = model.tags.map((tag) =>
      this.#label(tag.name, { title: `All models with ${tag.name}`, color: tag.color }, () => this.acts.showTag(tag), () =>
        this.#change({ remove_tags: [tag.id] }),
      ),
    );
    keepFocus(this.tags, ...chips, add);
    if (other) {
      this.collections = [];
      this.#drawCollections();
    }
    this.#readCollections();
  }

  async #readCollections() {
    const { key } = this;
    try {
      const found = await api.collectionsOf(key);
      if (key !== this.key) return;
      this.collections = found;
      this.#drawCollections();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  #drawCollections() {
    const add = this.#adder("Put into a collection", () => this.#askCollection(add));
    const chips = this.collections.map(({ id, name, color }) =>
      this.#label(name, { title: name, color }, null, () => this.#change({ remove_from: [id] })),
    );
    keepFocus(this.inside, ...chips, add);
  }

  /**
   * @param {string} name
   * @param {{title: string, color?: string}} about
   * @param {(() => void) | null} open
   * @param {() => void} remove
   */
  #label(name, { title, color }, open, remove) {
    const face = open
      ? h("button", { class: "chip is-label", type: "button", title, onclick: open }, h("span", {}, name))
      : h("span", { class: "chip is-label", title }, h("span", {}, name));
    if (color) face.style.setProperty("--mark", color);
    face.classList.toggle("is-marked", Boolean(color));
    const cross = h("button", { class: "chip-close", type: "button", "aria-label": `Remove ${name}`, title: `Remove ${name}`, onclick: remove }, icon("close"));
    return h("span", { class: "chip-pair model-label" }, face, cross);
  }

  /**
   * @param {string} title
   * @param {() => void} act
   */
  #adder(title, act) {
    return h("button", { class: "chip is-adder", type: "button", title, "aria-label": title, onclick: act }, icon("plus"));
  }

  /** @param {Element} anchor */
  async #askTag(anchor) {
    const names = await this.#names(() => api.modelTags());
    askName(anchor, { label: "Tag", names, make: "New tag", choose: (name) => this.#change({ add_tags: [name] }) });
  }

  /** @param {Element} anchor */
  async #askCollection(anchor) {
    const names = await this.#names(() => api.collections());
    askName(anchor, { label: "Collection", names, make: "New collection", choose: (name) => this.#collect(name) });
  }

  /** @param {() => Promise<{name: string}[]>} read */
  async #names(read) {
    try {
      return (await read()).map(({ name }) => name);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      return [];
    }
  }

  /** @param {string} name */
  async #collect(name) {
    try {
      const { id } = await api.addCollection(name);
      await this.#change({ add_to: [id] });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {Record<string, unknown>} change */
  async #change(change) {
    try {
      if (change.add_tags) await api.addModelTags(/** @type {string[]} */ (change.add_tags));
      await api.changeModels({ keys: [this.key], ...change });
      await this.acts.changed();
      await this.#readCollections();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof ApiError)) console.error(error);
    this.acts.notice.failed(words(error));
  }
}

/**
 * The keyboard stays in the row that is drawn anew.
 * @param {HTMLElement} row
 * @param {...HTMLElement} children
 */
function keepFocus(row, ...children) {
  const focused = row.matches(":focus-within");
  fill(row, ...children);
  if (focused) /** @type {HTMLElement | null} */ (row.querySelector(".is-adder"))?.focus({ preventScroll: true });
}
