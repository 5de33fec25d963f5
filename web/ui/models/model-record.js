/** One model as the server knows it, and changes of it. */

import { ApiError, api } from "../data/api.js";

/**
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 * @typedef {import("../data/library-calls.js").ModelChanges} ModelChanges
 */

/** Another was faster: what is shown now is theirs. */
export class Conflict extends Error {}

/** Fires `change` whenever `model`, `state` or `error` are other than before. */
export class ModelRecord extends EventTarget {
  constructor() {
    super();
    this.key = "";
    /** @type {FullModel | null} */
    this.model = null;
    this.etag = "";
    /** @type {"loading" | "ready" | "failed"} */
    this.state = "loading";
    /** @type {unknown} */
    this.error = null;
    this.abort = new AbortController();
    /** @type {Promise<void>} the newest look at it */
    this.reading = Promise.resolve();
  }

  /** @param {string} key */
  async open(key) {
    this.key = key;
    this.model = null;
    this.state = "loading";
    await this.read();
  }

  close() {
    this.#stop();
    this.key = "";
    this.model = null;
  }

  /** Read it anew, or wait for who does so later; what is shown stays until then. */
  async read() {
    if (!this.key) return;
    this.#stop();
    this.reading = this.#read();
    await this.reading;
  }

  #stop() {
    this.abort.abort();
    this.abort = new AbortController();
    this.reading = Promise.resolve();
  }

  async #read() {
    const { signal } = this.abort;
    try {
      this.#take(await api.model(this.key, signal));
    } catch (error) {
      if (signal.aborted) return this.reading;
      if (!(error instanceof ApiError)) console.error(error);
      const gone = error instanceof ApiError && error.status === 404;
      if (!this.model || gone) {
        this.state = "failed";
        this.error = error;
      }
      this.#tell();
    }
  }

  /**
   * Change it. Rejects with Conflict when another was faster; the newer state is read by then.
   * @param {ModelChanges} changes
   * @param {boolean} [anyway] whatever another has done
   */
  async save(changes, anyway = false) {
    const { key } = this;
    try {
      const saved = await api.changeModel(key, changes, anyway ? undefined : this.etag);
      if (key !== this.key) return;
      this.#stop();
      this.#take(saved);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      await this.read();
      throw new Conflict("It was changed elsewhere meanwhile.");
    }
  }

  /** @param {{data: FullModel, etag: string}} answer */
  #take({ data, etag }) {
    this.model = data;
    this.etag = etag;
    this.state = "ready";
    this.error = null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
