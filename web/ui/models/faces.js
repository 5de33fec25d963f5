/** Which pictures stand for models, asked for many at once. */

import { ApiError, api } from "../data/api.js";
import { paced } from "../parts/paced.js";

/** @typedef {import("../data/library-calls.js").Face} Face */

const AT_ONCE = 60;
const PAUSE = 60;
const KEPT = 5000;

/** Fires `change` when more is known. */
export class Faces extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, Face & {world: number}>} */
    this.known = new Map();
    /** @type {Set<string>} */
    this.wanted = new Set();
    /** @type {Map<string, number>} how often the samples of a model were changed here */
    this.versions = new Map();
    this.world = 0;
    this.asking = paced(() => this.#ask(), PAUSE);
  }

  /**
   * What is known of a model's face; if nothing, it is asked for.
   * @param {string} key
   * @returns {Face | undefined}
   */
  get(key) {
    const face = this.known.get(key);
    if (!face || face.world < this.world) {
      this.wanted.add(key);
      this.asking.ask();
    }
    return face;
  }

  /**
   * The address of its picture; empty where there is none.
   * @param {string} key
   */
  address(key) {
    const face = this.get(key);
    if (face?.samples) return api.sample(key, 0, "medium", this.versions.get(key));
    return face?.picture ? api.thumb(face.picture) : "";
  }

  /** What is known may be old. */
  touch() {
    this.world += 1;
  }

  /**
   * Its samples are others now.
   * @param {string} key
   */
  changed(key) {
    this.versions.set(key, (this.versions.get(key) ?? 0) + 1);
    this.known.delete(key);
    this.get(key);
  }

  stop() {
    this.asking.stop();
  }

  async #ask() {
    const { world } = this;
    const keys = [...this.wanted].slice(-AT_ONCE);
    if (!keys.length) return;
    for (const key of keys) this.wanted.delete(key);
    try {
      const faces = await api.faces(keys);
      if (this.known.size > KEPT) this.known.clear();
      for (const key of keys) {
        this.known.set(key, { samples: 0, picture: null, nsfw_level: 0, ...faces[key], world });
      }
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      // The placeholder stands; the list says what is wrong.
      if (!(error instanceof ApiError)) console.error(error);
    }
    if (this.wanted.size) this.asking.ask();
  }
}
