/** The names of CivitAI's tags, asked for when the first picture with tags is opened. */

import { ApiError, api } from "../data/api.js";

/**
 * @typedef {object} TagActs
 * @property {TagNames} tagNames
 * @property {(name: string) => void} showTag show the pictures that have it
 */

export class TagNames {
  constructor() {
    /** @type {Promise<Map<number, string>> | null} */
    this.names = null;
  }

  /** More may be known now. */
  forget() {
    this.names = null;
  }

  /** @returns {Promise<Map<number, string>>} empty where they cannot be had */
  read() {
    this.names ??= this.#ask();
    return this.names;
  }

  async #ask() {
    try {
      return new Map((await api.tags()).map(({ id, name }) => [id, name]));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.names = null;
      return new Map();
    }
  }
}
