/** The pictures of one filter, page by page, kept true while they change elsewhere. */

import { ApiError } from "../data/api.js";

/**
 * @typedef {import("../data/api.js").Item} Item
 * @typedef {import("../data/api.js").Filter} Filter
 * @typedef {import("../data/api.js").ListPage} ListPage
 * @typedef {(filter: Filter, page: {limit: number, before?: string, signal?: AbortSignal})
 *   => Promise<ListPage>} List
 */

export const PAGE = 100;

/**
 * Put a freshly read stretch in place of what was known from `start` on.
 *
 * What lies between two pictures of the stretch and is not in it is gone; what comes after it
 * stays. `connected` is false when nothing of the stretch was known, so that nobody can say what
 * follows it: then the rest is dropped and to be read again.
 * @param {Item[]} known
 * @param {number} start
 * @param {ListPage} fresh
 * @returns {{items: Item[], connected: boolean}}
 */
export function mergeStretch(known, start, fresh) {
  const before = known.slice(0, start);
  const places = new Map(known.map((item, place) => [item.id, place]));
  const ids = new Set(fresh.images.map((item) => item.id));
  const head = before.filter((item) => !ids.has(item.id)).concat(fresh.images);
  if (!fresh.next) return { items: head, connected: true };
  for (let at = fresh.images.length - 1; at >= 0; at -= 1) {
    const place = places.get(/** @type {Item} */ (fresh.images[at]).id);
    if (place !== undefined && place >= start) {
      const rest = known.slice(place + 1).filter((item) => !ids.has(item.id));
      return { items: head.concat(rest), connected: true };
    }
  }
  return { items: head, connected: false };
}

/** Dispatches `change` whenever `items`, `total`, `state` or `error` are other than before. */
export class Pages extends EventTarget {
  /**
   * @param {List} list
   * @param {Filter} [filter]
   */
  constructor(list, filter = {}) {
    super();
    this.list = list;
    this.filter = filter;
    /** @type {Item[]} */
    this.items = [];
    this.total = 0;
    /** @type {"loading" | "ready" | "failed"} */
    this.state = "loading";
    /** @type {unknown} */
    this.error = null;
    /** @type {string | null} */
    this.next = null;
    /** @type {Map<string, string>} the cursor that leads on from a picture */
    this.cursors = new Map();
    /** @type {WeakMap<Item, number>} of which state of the world an item tells */
    this.seen = new WeakMap();
    this.world = 0;
    this.abort = new AbortController();
    this.busy = false;
    this.refreshing = false;
  }

  get complete() {
    return this.state === "ready" && !this.next;
  }

  /**
   * Start anew, with another filter or the same.
   * @param {Filter} [filter]
   */
  async reset(filter = this.filter) {
    this.abort.abort();
    this.abort = new AbortController();
    this.filter = filter;
    this.items = [];
    this.total = 0;
    this.next = null;
    this.cursors.clear();
    this.busy = false;
    this.refreshing = false;
    await this.#load();
  }

  /** Read the next page, unless that is under way or there is none. */
  async more() {
    if (this.busy || !this.next || this.state === "failed") return;
    await this.#load(this.next);
  }

  /** Try again what has failed. */
  async retry() {
    await this.#load(this.items.length ? (this.next ?? undefined) : undefined);
  }

  /** @param {string} [before] */
  async #load(before) {
    const { signal } = this.abort;
    this.busy = true;
    this.state = "loading";
    this.error = null;
    this.#tell();
    try {
      const world = this.world;
      const page = await this.list(this.filter, { limit: PAGE, before, signal });
      if (signal.aborted) return;
      this.#take(this.items.length, page, world);
      this.state = "ready";
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) console.error(error);
      this.state = "failed";
      this.error = error;
    }
    this.busy = false;
    this.#tell();
  }

  /** Something has changed somewhere: what is shown is read again, the rest when it is looked at. */
  touch() {
    this.world += 1;
  }

  /**
   * Read again what is out of date between two places of the list, and the head of the list.
   * @param {number} first
   * @param {number} last
   */
  async refresh(first, last) {
    if (this.busy || this.refreshing || this.state === "failed") return;
    const stale = this.#firstStale(first, last);
    if (stale === null) return;
    const { signal } = this.abort;
    this.refreshing = true;
    try {
      const { start, before } = this.#startFor(stale);
      const world = this.world;
      const page = await this.list(this.filter, { limit: PAGE, before, signal });
      if (signal.aborted) return;
      this.#take(start, page, world);
      this.headWorld = start === 0 ? world : this.headWorld;
      this.#tell();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 401) {
        this.state = "failed";
        this.error = error;
        this.#tell();
      }
      // Any other failure leaves what is shown; the next change or scroll asks again.
      return;
    } finally {
      if (!signal.aborted) this.refreshing = false;
    }
    await this.refresh(first, last);
  }

  /** @type {number} the state of the world that the first page tells of */
  headWorld = 0;

  /**
   * @param {number} first
   * @param {number} last
   * @returns {number | null}
   */
  #firstStale(first, last) {
    if (this.headWorld < this.world) return 0;
    for (let at = first; at <= last && at < this.items.length; at += 1) {
      const item = /** @type {Item} */ (this.items[at]);
      if ((this.seen.get(item) ?? 0) < this.world) return at;
    }
    return null;
  }

  /**
   * The last place at or before `index` that a cursor leads to.
   * @param {number} index
   */
  #startFor(index) {
    for (let start = index; start > 0; start -= 1) {
      const before = this.cursors.get(/** @type {Item} */ (this.items[start - 1]).id);
      if (before) return { start, before };
    }
    return { start: 0, before: undefined };
  }

  /**
   * @param {number} start
   * @param {ListPage} page
   * @param {number} world
   */
  #take(start, page, world) {
    const appending = start === this.items.length;
    const { items, connected } = mergeStretch(this.items, start, page);
    if (start === 0) this.headWorld = world;
    for (const item of page.images) this.seen.set(item, world);
    const last = page.images[page.images.length - 1];
    if (last && page.next) this.cursors.set(last.id, page.next);
    if (appending || !connected || !page.next) this.next = page.next;
    this.items = items;
    this.total = Math.max(page.total, items.length);
  }

  /**
   * Change an item at once, before the server has said so; the undo puts it back.
   * @param {string} id
   * @param {Partial<Item>} changes
   * @returns {() => void}
   */
  change(id, changes) {
    const put = (/** @type {Item} */ item) => {
      const place = this.items.findIndex((each) => each.id === id);
      if (place < 0) return;
      this.seen.set(item, this.seen.get(/** @type {Item} */ (this.items[place])) ?? 0);
      this.items = this.items.with(place, item);
      this.#tell();
    };
    const old = this.items.find((each) => each.id === id);
    if (!old) return () => {};
    put({ ...old, ...changes });
    return () => put(old);
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
