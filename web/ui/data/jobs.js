/** The server's long work, kept fresh by its events. */

import { paced } from "../parts/paced.js";
import { ApiError, api } from "./api.js";

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {string} kind
 * @property {string} title
 * @property {"queued" | "running" | "paused" | "done" | "failed" | "cancelled"} state
 * @property {number} done
 * @property {number | null} total
 * @property {string} unit
 * @property {number} rate
 * @property {number | null} eta_s
 * @property {string | null} error
 */

const BETWEEN_LOOKS = 300;

/** Fires `change` after every look. */
export class Jobs extends EventTarget {
  constructor() {
    super();
    /** @type {Job[]} */
    this.all = [];
    this.looks = paced(() => this.#read(), BETWEEN_LOOKS);
  }

  look() {
    this.looks.ask();
  }

  stop() {
    this.looks.stop();
  }

  /** @param {string | null | undefined} id */
  get(id) {
    return this.all.find((job) => job.id === id);
  }

  async #read() {
    try {
      this.all = (await api.jobs()).jobs;
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      // The lists say what is wrong; the next event asks again.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }
}
