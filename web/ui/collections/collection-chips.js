/** The collections that an opened model or picture is in: each taken away by its cross, added by name. */

import { ApiError, api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { keepFocus, labelAdder, labelChip } from "../parts/labels.js";
import { chooseCollection } from "./ask-collection.js";
import { h } from "../parts/dom.js";

/**
 * @typedef {import("../data/collection-calls.js").Collection} Collection
 * @typedef {import("../data/collection-calls.js").Ref} Ref
 */

export class CollectionChips {
  /** @param {{notice: import("../parts/notice.js").Notice, open: (id: string) => void}} acts */
  constructor({ notice, open }) {
    this.open = open;
    this.attempt = attempts(notice);
    /** @type {Ref | null} */
    this.item = null;
    this.row = h("div", { class: "model-chips-row" });
    this.element = h("section", { class: "picture-section" }, h("header", {}, h("h3", {}, "Collections")), this.row);
  }

  /** @param {Ref} item */
  show(item) {
    const other = item.kind !== this.item?.kind || item.id !== this.item.id;
    this.item = item;
    if (other) this.#draw([]);
    this.read();
  }

  /** Look again. */
  async read() {
    const { item } = this;
    if (!item) return;
    try {
      const found = await api.collectionsOf(item);
      if (item === this.item) this.#draw(found);
    } catch (error) {
      // What is wrong with the item, its other parts say.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** @param {Collection[]} collections */
  #draw(collections) {
    const add = labelAdder("Put into a collection", () => chooseCollection(add, (name) => this.#add(name)));
    const chips = collections.map(({ id, name, color }) =>
      labelChip(name, { title: `Open ${name}`, color, open: () => this.open(id) }, () => this.#change((item) => api.removeMembers(id, [item]))),
    );
    keepFocus(this.row, ...chips, add);
  }

  /** @param {string} name */
  #add(name) {
    return this.#change(async (item) => {
      const { id } = await api.addCollection(name);
      await api.addMembers(id, [item]);
    });
  }

  /** @param {(item: Ref) => Promise<unknown>} work */
  async #change(work) {
    const { item } = this;
    if (!item) return;
    await this.attempt(async () => void (await work(item)));
    await this.read();
  }
}
