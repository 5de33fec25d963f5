/** The models that are selected for an act on all of them. */

import { keyOf } from "../data/library-calls.js";

/** @typedef {import("../data/library-calls.js").Model} Model */

/** Fires `change`. */
export class Selection extends EventTarget {
  /** As many as the server changes at once. */
  static MOST = 10_000;

  constructor() {
    super();
    /** @type {Map<string, Model>} */
    this.models = new Map();
    this.last = -1;
  }

  get size() {
    return this.models.size;
  }

  /** @returns {string[]} */
  get keys() {
    return [...this.models.keys()];
  }

  /** @param {string} key */
  has(key) {
    return this.models.has(key);
  }

  /**
   * Select the one at a place, or no more; with `through` all from the last one to it.
   * @param {number} index
   * @param {boolean} through
   * @param {(index: number) => Model | undefined} at
   */
  toggle(index, through, at) {
    const model = at(index);
    if (!model) return;
    if (through && this.last >= 0) {
      const [from, to] = [Math.min(this.last, index), Math.max(this.last, index)];
      for (let each = from; each <= to; each += 1) {
        const between = at(each);
        if (between) this.models.set(keyOf(between), between);
      }
    } else if (!this.models.delete(keyOf(model))) this.models.set(keyOf(model), model);
    this.last = index;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Model[]} models */
  set(models) {
    this.models = new Map(models.map((model) => [keyOf(model), model]));
    this.dispatchEvent(new Event("change"));
  }

  /** @returns {boolean} whether there were any */
  clear() {
    if (!this.models.size) return false;
    this.models.clear();
    this.last = -1;
    this.dispatchEvent(new Event("change"));
    return true;
  }
}
