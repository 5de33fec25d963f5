/** Every upload that is under way or has ended while this page was open. It outlives the panel. */

import { ApiError, api, words } from "../data/api.js";
import { paced } from "../parts/paced.js";
import { difference, partsOf } from "./files.js";
import { FileGone, Sending } from "./sending.js";

/**
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 * @typedef {import("../data/upload-calls.js").Asked} Asked
 *
 * @typedef {object} Item
 * @property {string} key
 * @property {string} name
 * @property {number} size 0: unknown
 * @property {Asked} body what the server was asked for; empty for one that somebody else began
 * @property {File | null} file
 * @property {Upload | null} upload null until the server has it
 * @property {Sending | null} sending
 * @property {unknown} error why it could not be begun, or goes no further
 */

const KEPT = "curator.uploads";
const AT_ONCE = 3;
const BETWEEN_LOOKS = 700;
const BETWEEN_CHANGES = 150;
const NEWEST = 50;

export const hasEnded = (/** @type {Upload | null} */ upload) =>
  upload?.status === "complete" || upload?.status === "failed";

/** Fires `change`, and `ended` with the item in `detail`. */
export class Uploads extends EventTarget {
  constructor() {
    super();
    /** @type {Item[]} in the order they came */
    this.items = [];
    /** @type {Set<string>} ids that have been put away; they stay in the list of past ones */
    this.away = new Set();
    /** How many the server remembers that have ended. */
    this.past = 0;
    this.count = 0;
    this.looks = paced(() => this.#read(), BETWEEN_LOOKS);
    this.drawing = paced(async () => void this.dispatchEvent(new Event("change")), BETWEEN_CHANGES);
    this.line = { look: api.upload, complete: api.completeUpload, put: api.putPart, wait: forLine };
  }

  /** Something has changed on the server. */
  look() {
    this.looks.ask();
  }

  /**
   * Send a file, or go on with the upload of it that this browser has begun.
   * @param {File} file
   * @param {Asked} wish its kind and place
   */
  send(file, wish) {
    const { name, size } = file;
    const type = file.type ? { contentType: file.type } : {};
    const body = { ...wish, ...type, fileName: name, fileSize: size, parts: partsOf(size) };
    this.#begin({ name, size, body, file });
  }

  /**
   * Let the server fetch what lies at an address.
   * @param {string} name
   * @param {Asked} body
   */
  fetch(name, body) {
    this.#begin({ name, size: 0, body, file: null });
  }

  /**
   * The upload that waits for this very file, as far as this browser knows.
   * @param {File} file
   */
  waitingFor(file) {
    const kept = modifiedTimes();
    return this.items.find(
      ({ upload, sending, file: has }) =>
        upload?.status === "pending" &&
        upload.source === "multipart" &&
        !(sending && has) &&
        kept[upload.id] === file.lastModified &&
        !difference(upload, file),
    );
  }

  /**
   * Go on with an upload whose file the browser has not any more.
   * @param {Item} item
   * @param {File} file chosen again
   * @returns {string} why it is the wrong one, or nothing
   */
  goOn(item, file) {
    const { upload } = item;
    if (!upload) return "";
    const wrong = difference(upload, file, modifiedTimes()[upload.id]);
    if (!wrong) this.#sendParts(item, file, upload);
    return wrong;
  }

  /** @param {Item} item */
  pause(item) {
    item.sending?.pause();
  }

  /** @param {Item} item */
  resume(item) {
    if (item.sending) this.#run(item, item.sending);
    else if (!item.upload) this.#create(item);
  }

  /**
   * Once more from the beginning, after a failure.
   * @param {Item} item
   */
  retry(item) {
    this.dismiss(item);
    this.#begin({ name: item.name, size: item.size, body: { ...item.body }, file: item.file });
  }

  /**
   * End it; its bytes go.
   * @param {Item} item
   */
  async cancel(item) {
    item.sending?.pause();
    this.dismiss(item);
    if (!item.upload) return;
    try {
      await api.removeUpload(item.upload.id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      this.away.delete(item.upload.id);
      this.items.push(item);
      this.#changed();
      throw error;
    }
  }

  /**
   * Show it no more.
   * @param {Item} item
   */
  dismiss(item) {
    if (item.upload) this.away.add(item.upload.id);
    this.items = this.items.filter((each) => each !== item);
    this.#changed();
    this.#next();
  }

  /**
   * The server remembers it no more.
   * @param {string} id
   */
  forget(id) {
    const item = this.items.find(({ upload }) => upload?.id === id);
    if (item) this.dismiss(item);
    this.look();
  }

  #changed() {
    this.drawing.ask();
  }

  /** @param {{name: string, size: number, body: Asked, file: File | null}} facts */
  #begin(facts) {
    this.count += 1;
    this.items.push({ key: `mine ${this.count}`, ...facts, upload: null, sending: null, error: null });
    this.#changed();
    this.#next();
  }

  /** So many are sent at once; others wait for their turn. */
  #next() {
    const going = this.items.filter(isGoing).length;
    const waits = this.items.find(({ upload, error, body }) => !upload && !error && !creating.has(body));
    if (!waits || going >= AT_ONCE) return;
    this.#create(waits);
    this.#next();
  }

  /** @param {Item} item */
  async #create(item) {
    creating.add(item.body);
    item.error = null;
    this.#changed();
    try {
      const upload = await api.createUpload(item.body);
      creating.delete(item.body);
      if (!this.items.includes(item)) {
        // Put away before the server had it.
        await api.removeUpload(upload.id);
        return;
      }
      this.items = this.items.filter((each) => each === item || each.upload?.id !== upload.id);
      item.upload = upload;
      if (item.file) this.#sendParts(item, item.file, upload);
    } catch (error) {
      creating.delete(item.body);
      if (!(error instanceof ApiError)) console.error(error);
      item.error = error;
    }
    this.#changed();
    this.#next();
  }

  /**
   * @param {Item} item
   * @param {File} file
   * @param {Upload} upload
   */
  #sendParts(item, file, upload) {
    item.file = file;
    keepModified(upload.id, file.lastModified);
    this.#run(item, new Sending(file, upload, this.line, () => this.#changed()));
  }

  /**
   * @param {Item} item
   * @param {Sending} sending
   */
  async #run(item, sending) {
    item.sending = sending;
    item.error = null;
    await sending.run();
    if (item.sending !== sending) return;
    if (sending.state === "over") this.#know(item, sending.upload);
    else if (sending.problem) {
      item.error = sending.problem;
      // What to choose again is chosen again; an upload that is gone says so at the next look.
      if (sending.problem instanceof FileGone) item.sending = null;
      else if (!(sending.problem instanceof ApiError)) console.error(sending.problem);
    }
    this.#changed();
    this.#next();
    this.look();
  }

  async #read() {
    try {
      const [pending, newest] = await Promise.all([
        api.uploads({ status: "pending", limit: 1000 }),
        api.uploads({ limit: NEWEST }),
      ]);
      const all = new Map([...newest.uploads, ...pending.uploads].map((each) => [each.id, each]));
      await this.#findOthers(all);
      const open = [...all.values()].filter((each) => !hasEnded(each)).length;
      this.past = Math.max(0, newest.total - open);
      this.#merge(all);
    } catch (error) {
      // The lists say what is wrong; the next event asks again.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /**
   * What was open and is not among the newest is asked for by itself.
   * @param {Map<string, Upload>} all
   */
  async #findOthers(all) {
    const lost = this.items.filter(({ upload }) => upload && !hasEnded(upload) && !all.has(upload.id));
    for (const item of lost) {
      const id = item.upload?.id ?? "";
      try {
        all.set(id, await api.upload(id));
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
        item.sending?.pause();
        this.dismiss(item);
      }
    }
  }

  /** @param {Map<string, Upload>} all */
  #merge(all) {
    const known = new Set(this.items.map(({ upload }) => upload?.id));
    for (const item of this.items) {
      const now = item.upload && all.get(item.upload.id);
      if (now) this.#know(item, now);
    }
    // While one is being begun the server may know it sooner than we know its number.
    const others = creating.size ? [] : [...all.values()].reverse();
    for (const upload of others) {
      if (hasEnded(upload) || known.has(upload.id) || this.away.has(upload.id)) continue;
      const { id, originalFileName, fileName, url, fileSize = 0 } = upload;
      const name = originalFileName || fileName || url || id;
      this.items.push({ key: id, name, size: fileSize, body: {}, file: null, upload, sending: null, error: null });
    }
    const listed = [...all.values()].filter((each) => !hasEnded(each)).map(({ id }) => id);
    forgetModified(new Set([...listed, ...this.items.map(({ upload }) => upload?.id ?? "")]));
    this.#changed();
  }

  /**
   * @param {Item} item
   * @param {Upload} upload as it is now
   */
  #know(item, upload) {
    const ended = !hasEnded(item.upload) && hasEnded(upload);
    // A look that was under way while something was sent knows less than we do.
    if (hasEnded(item.upload) || (upload.status === "pending" && item.sending?.state === "over")) return;
    item.upload = upload;
    item.name = upload.originalFileName || upload.fileName || item.name;
    item.size = upload.fileSize ?? item.size;
    if (!ended) return;
    item.sending?.pause();
    item.sending = null;
    item.error = null;
    this.dispatchEvent(new CustomEvent("ended", { detail: item }));
  }
}

/** @type {Set<object>} bodies of creates without an answer yet */
const creating = new Set();

/** @param {Item} item */
function isGoing({ upload, sending, error, body, file }) {
  if (error || hasEnded(upload)) return false;
  if (!upload) return creating.has(body);
  return Boolean(file) && sending !== null && sending.state !== "paused" && sending.state !== "over";
}

/**
 * What stands in the row of an upload.
 * @param {Item} item
 * @returns {"queued" | "begins" | "sending" | "waiting" | "paused" | "stopped" | "fetching"
 *   | "checking" | "done" | "failed" | "refused"} `stopped`: its file is to be chosen again;
 *   `refused`: the server has never had it
 */
export function stageOf({ upload, sending, error, body }) {
  if (!upload) return error ? "refused" : creating.has(body) ? "begins" : "queued";
  if (upload.status === "complete") return "done";
  if (upload.status === "failed") return "failed";
  if (upload.status !== "pending") return "checking";
  if (upload.source !== "multipart") return "fetching";
  if (!sending) return "stopped";
  return sending.state === "over" ? "checking" : sending.state;
}

/** @param {Item} item */
export const problemOf = ({ upload, error }) =>
  upload?.status === "failed"
    ? (upload.errorMessage ?? "It failed.")
    : error instanceof FileGone
      ? error.message
      : error
        ? words(error)
        : "";

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

/** @returns {Record<string, number>} when the file of an upload was changed last, by its id */
function modifiedTimes() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

/**
 * @param {string} id
 * @param {number} modified
 */
function keepModified(id, modified) {
  localStorage.setItem(KEPT, JSON.stringify({ ...modifiedTimes(), [id]: modified }));
}

/** @param {Set<string>} open ids that may still be wanted */
function forgetModified(open) {
  const kept = Object.entries(modifiedTimes());
  const wanted = kept.filter(([id]) => open.has(id));
  if (wanted.length < kept.length) localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(wanted)));
}

/** One for the page: what is sent goes on while ComfyUI shows another tab of its sidebar. */
export const uploads = new Uploads();
