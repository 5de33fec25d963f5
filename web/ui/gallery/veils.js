/** Which pictures are covered until somebody asks to see them, and which are not shown at all. */

import { ApiError, api } from "../data/api.js";

/** @typedef {import("../data/api.js").Item} Item */

/** Fires `change` when a picture is covered that was not, or the other way round. */
export class Veils extends EventTarget {
  constructor() {
    super();
    /** Until the settings are read, what they say at first: nothing may flash up. */
    this.from = 4;
    /** The level from which on pictures are left out; 0: none are. */
    this.hideFrom = 0;
    /** @type {Set<string>} pictures that were asked for, until the page goes */
    this.lifted = new Set();
  }

  /** Ask the settings from which levels on; resolves to whether other pictures are left out now. */
  async read() {
    const { hideFrom } = this;
    try {
      const settings = await api.settings();
      this.from = Number(settings.nsfw_blur_from ?? 0);
      this.hideFrom = Number(settings.nsfw_hide_from ?? 0);
      this.#tell();
    } catch (error) {
      // Then it stays as it is; the list says what is wrong.
      if (!(error instanceof ApiError)) console.error(error);
    }
    return hideFrom !== this.hideFrom;
  }

  /**
   * The highest level that may be asked for.
   * @param {number | undefined} wanted
   */
  highest(wanted) {
    const most = this.hideFrom ? Math.max(1, this.hideFrom / 2) : undefined;
    if (most === undefined || wanted === undefined) return wanted ?? most;
    return Math.min(most, wanted);
  }

  /** @param {Item} item */
  covers({ id, nsfw_level: level = 0 }) {
    return this.coversLevel(level) && !this.lifted.has(id);
  }

  /** Whether it is not shown at all. @param {{nsfw_level?: number}} item */
  hides({ nsfw_level: level = 0 }) {
    return this.hideFrom > 0 && level >= this.hideFrom;
  }

  /** @param {number} level */
  coversLevel(level) {
    return this.from > 0 && level >= this.from;
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
