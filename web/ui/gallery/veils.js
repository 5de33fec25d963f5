/** Which pictures are covered until somebody asks to see them. */

import { ApiError, api } from "../data/api.js";

/** @typedef {import("../data/api.js").Item} Item */

/** Fires `change` when a picture is covered that was not, or the other way round. */
export class Veils extends EventTarget {
  constructor() {
    super();
    /** Until the settings are read, what they say at first: nothing may flash up. */
    this.from = 4;
    /** @type {Set<string>} pictures that were asked for, until the page goes */
    this.lifted = new Set();
  }

  /** Ask the settings from which level on. */
  async read() {
    try {
      const { nsfw_blur_from: from } = await api.settings();
      if (typeof from !== "number" || from === this.from) return;
      this.from = from;
      this.#tell();
    } catch (error) {
      // Then it stays as it is; the list says what is wrong.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** @param {Item} item */
  covers({ id, nsfw_level: level = 0 }) {
    return this.from > 0 && level >= this.from && !this.lifted.has(id);
  }

  /** @param {Item} item */
  lift({ id }) {
    this.lifted.add(id);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
