/** What is in a collection, in its order: read as far as somebody looks, changed at once. */

import { ApiError } from "../data/call.js";

/**
 * @typedef {import("../data/collection-calls.js").Kind} Kind
 * @typedef {import("../data/collection-calls.js").Ref} Ref
 * @typedef {import("../data/collection-calls.js").Member} Member
 * @typedef {Pick<typeof import("../data/collection-calls.js").collectionCalls,
 *   "members" | "addMembers" | "removeMembers" | "orderMembers">} Calls
 */

export const PAGE = 120;
const MOST = 1000;

/** @param {Ref} member */
export const refOf = ({ kind, id }) => ({ kind, id });

/** @param {Ref} member */
export const nameOf = ({ kind, id }) => `${kind} ${id}`;

/** Fires `change` whenever `items`, `total`, `state` or `error` are other than before. */
export class Members extends EventTarget {
  /** @param {Calls} calls */
  constructor(calls) {
    super();
    this.calls = calls;
    this.id = "";
    /** @type {Kind | undefined} only these */
    this.kind = undefined;
    /** @type {Member[]} */
    this.items = [];
    this.total = 0;
    /** @type {"loading" | "ready" | "failed"} */
    this.state = "loading";
    /** @type {unknown} */
    this.error = null;
    this.abort = new AbortController();
    /** @type {Promise<void> | null} a page that is on its way */
    this.reading = null;
    /** Changes that the server has not answered yet; they go one after the other. */
    this.changing = 0;
    /** What was read before a change began says nothing any more. */
    this.world = 0;
    /** How often all that is shown was read again; the last of them that is shown. */
    this.asked = 0;
    this.taken = 0;
    this.changes = Promise.resolve();
  }

  /**
   * @param {string} id of a collection
   * @param {Kind} [kind]
   */
  async open(id, kind) {
    this.close();
    this.id = id;
    this.kind = kind;
    this.state = "loading";
    this.error = null;
    this.#tell();
    await this.#read(() => this.#page(0, PAGE));
  }

  close() {
    this.abort.abort();
    this.abort = new AbortController();
    this.reading = null;
    this.id = "";
    this.items = [];
    this.total = 0;
  }

  /**
   * Where it stands now; -1 where it does not.
   * @param {Ref} member
   */
  indexOf(member) {
    return this.items.findIndex((item) => nameOf(item) === nameOf(member));
  }

  /** Read the next page, unless there is none. */
  async more() {
    if (this.state !== "ready" || this.items.length >= this.total) return;
    this.reading ??= this.#read(async () => {
      const page = await this.#page(this.items.length, PAGE);
      const known = new Set(this.items.map(nameOf));
      const items = [...this.items, ...page.items.filter((item) => !known.has(nameOf(item)))];
      // What was moved elsewhere meanwhile may leave a page without anything new.
      return { items, total: page.items.length ? page.total : items.length };
    });
    await this.reading;
  }

  /** Something has changed somewhere: read again what is shown. */
  async touch() {
    if (!this.id || this.changing) return;
    const turn = ++this.asked;
    await this.#read(async () => {
      /** @type {Member[]} */
      const items = [];
      let total = Infinity;
      // More may have been shown meanwhile.
      const wanted = () => Math.max(PAGE, this.items.length);
      while (items.length < Math.min(wanted(), total)) {
        const page = await this.#page(items.length, Math.min(MOST, wanted() - items.length));
        items.push(...page.items);
        total = page.total;
        if (!page.items.length) break;
      }
      // What was asked for later may have come sooner.
      if (turn < this.taken) return { items: this.items, total: this.total };
      this.taken = turn;
      return { items, total };
    });
  }

  /**
   * Put a member at another place among those shown; at once here, then on the server.
   * @param {Ref} member
   * @param {number} to its place afterwards
   */
  async move(member, to) {
    if (to >= this.items.length - 1 && this.items.length < this.total) await this.more();
    const from = this.indexOf(member);
    const item = this.items[from];
    const place = Math.max(0, Math.min(to, this.items.length - 1));
    if (!item || place === from) return;
    const rest = this.items.toSpliced(from, 1);
    const before = rest[place];
    this.items = rest.toSpliced(place, 0, item);
    this.#tell();
    const { id } = this;
    await this.#change(() => this.calls.orderMembers(id, [refOf(item)], before ? refOf(before) : null));
  }

  /**
   * Take a member out; resolves to what puts it back to its place.
   * @param {Ref} member
   * @returns {Promise<() => Promise<void>>}
   */
  async remove(member) {
    const index = this.indexOf(member);
    const item = this.items[index];
    if (!item) return async () => {};
    const before = this.items[index + 1];
    const { id, kind } = this;
    this.items = this.items.toSpliced(index, 1);
    this.total -= 1;
    this.#tell();
    await this.#change(() => this.calls.removeMembers(id, [refOf(item)]));
    // What follows the last one that was read has come to its place since.
    const shown = () => id === this.id && kind === this.kind;
    return () => {
      const next = before ?? (shown() ? this.items[index] : undefined);
      if (shown()) this.#insert(item, next);
      return this.#change(() => this.#putBack(id, item, next));
    };
  }

  /**
   * @param {Member} item
   * @param {Member | undefined} before which may be gone by now
   */
  #insert(item, before) {
    if (this.indexOf(item) >= 0) return;
    const at = before ? this.indexOf(before) : -1;
    this.items = this.items.toSpliced(at < 0 ? this.items.length : at, 0, item);
    this.total += 1;
    this.#tell();
  }

  /**
   * @param {string} id
   * @param {Member} item
   * @param {Member | undefined} before which may be gone by now
   */
  async #putBack(id, item, before) {
    try {
      await this.calls.addMembers(id, [refOf(item)], before ? refOf(before) : null);
    } catch (error) {
      if (!before || !(error instanceof ApiError) || error.status !== 400) throw error;
      await this.calls.addMembers(id, [refOf(item)]);
    }
  }

  /**
   * One after the other, and then what is there now; rejects with what the server has against it.
   * @param {() => Promise<unknown>} work
   */
  async #change(work) {
    this.changing += 1;
    this.world += 1;
    const mine = this.changes.then(work);
    this.changes = mine.then(
      () => {},
      () => {},
    );
    try {
      await mine;
    } finally {
      this.changing -= 1;
      this.touch();
    }
  }

  /**
   * @param {number} offset
   * @param {number} limit
   */
  #page(offset, limit) {
    const { kind, abort } = this;
    return this.calls.members(this.id, { kind, limit, offset, signal: abort.signal });
  }

  /** @param {() => Promise<{items: Member[], total: number}>} work */
  async #read(work) {
    const { signal } = this.abort;
    const { world } = this;
    try {
      const { items, total } = await work();
      if (signal.aborted || world !== this.world) return;
      this.items = items;
      this.total = total;
      this.state = "ready";
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) console.error(error);
      // What is shown stays, unless there is nothing, or the collection is gone.
      if (this.state === "loading" || (error instanceof ApiError && [401, 404].includes(error.status))) {
        this.state = "failed";
        this.error = error;
      }
    } finally {
      if (!signal.aborted) this.reading = null;
    }
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
