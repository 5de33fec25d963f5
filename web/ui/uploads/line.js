/** The one line that all uploads of this page share. */

import { api } from "../data/api.js";

const AT_ONCE = 4;

/** Turns at something that only so many may do at once; who asked first comes first. */
export class Turns {
  /** @param {number} most */
  constructor(most) {
    this.free = most;
    /** @type {(() => void)[]} */
    this.waiting = [];
  }

  /**
   * Do it when it is its turn; rejects with the signal's reason when that comes first.
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async take(signal, work) {
    if (this.free > 0) this.free -= 1;
    else await this.#wait(signal);
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  #wait(signal) {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.waiting = this.waiting.filter((each) => each !== turn);
        reject(signal.reason);
      };
      const turn = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave);
      this.waiting.push(turn);
    });
  }
}

/**
 * Until the line may be there again; the browser knows when a network has come back.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function forLine(milliseconds, signal) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end, { signal: over.signal });
    signal.addEventListener("abort", end, { signal: over.signal });
  });
}

// A browser has six connections to a server: two are left for all else on the page.
const turns = new Turns(AT_ONCE);

/** @type {import("./sending.js").Line} */
export const line = {
  look: api.upload,
  complete: api.completeUpload,
  put: (id, part, bytes, signal, progress) =>
    turns.take(signal, () => api.putPart(id, part, bytes, signal, progress)),
  wait: forLine,
};
