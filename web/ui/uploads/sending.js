/** One file on its way in parts: some at once, each again until it is there. */

import { ApiError } from "../data/call.js";
import { passes, rangeOf } from "./files.js";

/**
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 * @typedef {import("../data/upload-calls.js").Part} Part
 */

/**
 * What a sending needs of the world.
 * @typedef {object} Line
 * @property {(id: string) => Promise<Upload>} look
 * @property {(id: string) => Promise<Upload>} complete
 * @property {(id: string, part: Part, bytes: Blob, signal: AbortSignal,
 *   progress: (sent: number) => void) => Promise<void>} put when it is its turn
 * @property {(milliseconds: number, signal: AbortSignal) => Promise<void>} wait at least until the
 *   connection may be there again
 */

const AT_ONCE = 4;
const LONGEST_WAIT = 30_000;
const RATE_OVER = 5000;

/** The file is not what it was, or not there any more. */
export class FileGone extends Error {}

export class Sending {
  /**
   * @param {File} file
   * @param {Upload} upload
   * @param {Line} line
   * @param {() => void} changed
   */
  constructor(file, upload, line, changed) {
    this.file = file;
    this.upload = upload;
    this.line = line;
    this.changed = changed;
    /** @type {"sending" | "waiting" | "paused" | "over"} */
    this.state = "paused";
    /** @type {unknown} why it was paused by itself */
    this.problem = null;
    this.abort = new AbortController();
    /** @type {Map<number, Part>} parts that are still to be sent */
    this.todo = new Map();
    /** @type {Map<number, number>} bytes of the parts that are on their way */
    this.flying = new Map();
    this.there = upload.receivedBytes ?? 0;
    /** @type {[number, number][]} what was sent when */
    this.marks = [];
  }

  get done() {
    let sum = this.there;
    for (const bytes of this.flying.values()) sum += bytes;
    return Math.min(sum, this.file.size);
  }

  /** Bytes a second, of the last few seconds. */
  get rate() {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    if (this.state !== "sending" || !first || !last || last[0] - first[0] < 500) return 0;
    return Math.max(0, ((last[1] - first[1]) * 1000) / (last[0] - first[0]));
  }

  pause() {
    if (this.state === "over") return;
    this.abort.abort();
    this.flying.clear();
    this.#become("paused");
  }

  /** Send what is not there yet, and say that all is there. */
  async run() {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.problem = null;
    this.marks = [];
    this.#become("sending");
    try {
      await this.#again(signal, () => this.#look());
      while (this.upload.status === "pending") {
        await Promise.all(Array.from({ length: AT_ONCE }, () => this.#lane(signal)));
        signal.throwIfAborted();
        await this.#again(signal, () => this.#complete());
      }
      this.#become("over");
    } catch (error) {
      if (signal.aborted) return;
      this.problem = error;
      this.pause();
    }
  }

  /** Renewed addresses, and which parts are there. */
  async #look() {
    this.upload = await this.line.look(this.upload.id);
    const parts = this.upload.parts ?? [];
    this.todo = new Map(parts.filter(({ received }) => !received).map((part) => [part.number, part]));
    this.there = parts.length ? this.#bytesOf(parts.filter(({ received }) => received)) : this.file.size;
  }

  async #complete() {
    try {
      this.upload = await this.line.complete(this.upload.id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      await this.#look();
      // Nothing is missing, so something else is wrong.
      if (!this.todo.size && this.upload.status === "pending") throw error;
    }
  }

  /** @param {AbortSignal} signal */
  async #lane(signal) {
    for (const [number, part] of this.todo) {
      if (this.flying.has(number) || !this.todo.has(number)) continue;
      this.flying.set(number, 0);
      await this.#again(signal, () => this.#send(this.todo.get(number) ?? part, signal), number);
      this.flying.delete(number);
      this.todo.delete(number);
      this.there += this.#bytesOf([part]);
      this.#mark();
    }
  }

  /**
   * @param {Part} part
   * @param {AbortSignal} signal
   */
  async #send(part, signal) {
    const [start, end] = this.#range(part);
    const bytes = this.file.slice(start, end);
    try {
      await this.line.put(this.upload.id, part, bytes, signal, (sent) => {
        if (signal.aborted) return;
        this.flying.set(part.number, Math.min(sent, end - start));
        this.#mark();
      });
      return;
    } catch (error) {
      signal.throwIfAborted();
      this.flying.set(part.number, 0);
      if (error instanceof ApiError && error.status === 0) await this.#checkFile(start);
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    }
    // The address has expired.
    const fresh = (await this.line.look(this.upload.id)).parts?.find(({ number }) => number === part.number);
    if (!fresh) throw new ApiError(409, "This upload takes no parts any more.");
    if (this.todo.has(part.number)) this.todo.set(part.number, fresh);
    if (fresh.received) return;
    await this.line.put(this.upload.id, fresh, bytes, signal, () => {});
  }

  /**
   * A browser says of a file that it cannot read only that nothing could be sent.
   * @param {number} start
   */
  async #checkFile(start) {
    try {
      await this.file.slice(start, start + 1).arrayBuffer();
    } catch {
      throw new FileGone("The file cannot be read any more, or has been changed.");
    }
  }

  /**
   * Do it until it goes, for as long as only the line or the server's mood is against it.
   * @param {AbortSignal} signal
   * @param {() => Promise<void>} work
   * @param {number} [number] of a part
   */
  async #again(signal, work, number) {
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        await work();
        signal.throwIfAborted();
        this.#become("sending");
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (number !== undefined) this.flying.set(number, 0);
        if (!(error instanceof ApiError) || !passes(error.status)) throw error;
        this.#become("waiting");
        await this.line.wait(Math.min(LONGEST_WAIT, 500 * 2 ** attempt), signal);
      }
    }
  }

  /** @param {Part} part */
  #range(part) {
    return rangeOf(part.number, this.upload.partsCount ?? 1, this.file.size);
  }

  /** @param {Part[]} parts */
  #bytesOf(parts) {
    return parts.map((part) => this.#range(part)).reduce((sum, [start, end]) => sum + end - start, 0);
  }

  #mark() {
    const now = performance.now();
    this.marks.push([now, this.done]);
    while (this.marks.length > 2 && now - (this.marks[0]?.[0] ?? now) > RATE_OVER) this.marks.shift();
    this.#become("sending");
  }

  /** @param {Sending["state"]} state */
  #become(state) {
    this.state = state;
    this.changed();
  }
}
