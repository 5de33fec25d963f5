/** The collections that an opened model or picture is in: each taken away by its cross, added by name. */

import { ApiError, api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { h } from "../parts/dom.js";
import { LabelRow } from "../parts/labels.js";
import { chooseCollection } from "./ask-collection.js";

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
    this.reading = 0;
    this.row = new LabelRow("Add to a collection", (anchor) => chooseCollection(anchor, (name) => this.#add(name)));
    this.element = h(
      "section",
      { class: "picture-section" },
      h("header", {}, h("h3", {}, "Collections")),
      this.row.element,
    );
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
    const turn = ++this.reading;
    try {
      const found = await api.collectionsOf(item);
      if (turn === this.reading) this.#draw(found);
    } catch (error) {
      // What is wrong with the item, its other parts say.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** @param {Collection[]} collections */
  #draw(collections) {
    this.row.show(
      collections.map(({ id, name, color }) => ({
        ...{ id, name, color, title: `Open ${name}` },
        open: () => this.open(id),
        remove: () => this.#change((item) => api.removeMembers(id, [item])),
      })),
    );
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
