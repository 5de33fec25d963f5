/** The rows of a long list, read where somebody looks. */

import { ApiError } from "../data/call.js";
import { keyOf } from "../data/library-calls.js";

/**
 * @typedef {import("../data/library-calls.js").Model} Model
 * @typedef {import("../data/library-calls.js").ModelFilter} ModelFilter
 * @typedef {(filter: ModelFilter, page: {limit: number, offset: number, signal?: AbortSignal})
 *   => Promise<{models: Model[], total: number, complete: boolean}>} List
 */

export const PAGE = 200;

/** Dispatches `change` whenever rows, `total`, `state` or `error` are other than before. */
export class ModelRows extends EventTarget {
  /** @param {List} list */
  constructor(list) {
    super();
    this.list = list;
    /** @type {ModelFilter} */
    this.filter = {};
    /** @type {Map<number, {rows: Model[], world: number}>} */
    this.pages = new Map();
    /** @type {Set<number>} pages that are on their way */
    this.asked = new Set();
    this.total = 0;
    this.complete = true;
    /** @type {"loading" | "ready" | "failed"} */
    this.state = "loading";
    /** @type {unknown} */
    this.error = null;
    this.world = 0;
    this.sight = { first: 0, last: 0 };
    this.abort = new AbortController();
  }

  /**
   * The row at a place; undefined when it is not read yet.
   * @param {number} index
   * @returns {Model | undefined}
   */
  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.rows[index % PAGE];
  }

  /**
   * Where a model stands, as far as that is read; else -1.
   * @param {string} key
   */
  indexOf(key) {
    for (const [page, { rows }] of this.pages) {
      const at = rows.findIndex((row) => keyOf(row) === key);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  /**
   * Start anew, with another filter or the same.
   * @param {ModelFilter} [filter]
   */
  async reset(filter = this.filter) {
    this.abort.abort();
    this.abort = new AbortController();
    this.filter = filter;
    this.pages.clear();
    this.asked.clear();
    this.total = 0;
    this.sight = { first: 0, last: 0 };
    this.state = "loading";
    this.error = null;
    this.#tell();
    await this.#read(0);
  }

  /**
   * These places are looked at: what of them is not there or out of date is read.
   * @param {number} first
   * @param {number} last
   */
  look(first, last) {
    this.sight = { first, last };
    if (this.state !== "ready") return;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last) / PAGE); page += 1) {
      if (page * PAGE >= this.total && page > 0) break;
      const known = this.pages.get(page);
      if (!known || known.world < this.world) this.#read(page);
    }
  }

  /** Something has changed somewhere: what is shown is read again, the rest when it is looked at. */
  touch() {
    this.world += 1;
    if (this.state === "failed") this.#read(0);
    else this.look(this.sight.first, this.sight.last);
  }

  /** Try again what has failed. */
  retry() {
    this.state = "loading";
    this.error = null;
    this.#tell();
    this.#read(0);
  }

  /**
   * Show changes of a model at once.
   * @param {string} key
   * @param {Partial<Model>} changes
   */
  change(key, changes) {
    const index = this.indexOf(key);
    const page = this.pages.get(Math.floor(index / PAGE));
    const row = this.at(index);
    if (!page || !row) return;
    page.rows = page.rows.with(index % PAGE, { ...row, ...changes });
    this.#tell();
  }

  /** @param {number} page */
  async #read(page) {
    if (this.asked.has(page)) return;
    const { signal } = this.abort;
    const { world } = this;
    this.asked.add(page);
    try {
      const found = await this.list(this.filter, { limit: PAGE, offset: page * PAGE, signal });
      if (signal.aborted) return;
      this.pages.set(page, { rows: found.models, world });
      this.total = found.total;
      this.complete = found.complete;
      for (const each of this.pages.keys()) {
        if (each > 0 && each * PAGE >= this.total) this.pages.delete(each);
      }
      this.state = "ready";
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) console.error(error);
      // What is shown stays, unless there is nothing or nobody is let in.
      if (!this.pages.size || (error instanceof ApiError && error.status === 401)) {
        this.state = "failed";
        this.error = error;
      }
    }
    this.asked.delete(page);
    this.#tell();
    if (this.world > world) this.look(this.sight.first, this.sight.last);
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
