/** Every upload that is under way or has ended while this page was open. It outlives the panel. */

import { ApiError, api } from "../data/api.js";
import { paced } from "../parts/paced.js";
import { forgetModified, keepModified, modifiedTimes } from "./file-times.js";
import { difference, partsOf } from "./files.js";
import { hasEnded, isGoing, isQueued, newItem, newToken } from "./items.js";
import { line } from "./line.js";
import { readUploads } from "./reading.js";
import { FileGone, Sending } from "./sending.js";

/**
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 * @typedef {import("../data/upload-calls.js").Asked} Asked
 * @typedef {import("./items.js").Item} Item
 */

const AT_ONCE = 3;
const BETWEEN_LOOKS = 700;
const BETWEEN_CHANGES = 150;

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
    /** How many creates have no answer yet. */
    this.asking = 0;
    this.looks = paced(() => this.#read(), BETWEEN_LOOKS);
    this.drawing = paced(async () => void this.dispatchEvent(new Event("change")), BETWEEN_CHANGES);
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
   * Once more from the beginning, after a failure. Where no answer came, the server may have it all
   * the same: then it is asked for under the same token.
   * @param {Item} item
   */
  retry(item) {
    const { name, size, body, file, upload, token } = item;
    this.#drop(item);
    this.#begin({ name, size, body, file, ...(upload ? {} : { token }) });
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
    this.#drop(item);
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

  /** @param {Item} item */
  #drop(item) {
    if (item.upload) this.away.add(item.upload.id);
    this.items = this.items.filter((each) => each !== item);
  }

  #changed() {
    this.drawing.ask();
  }

  /** @param {Pick<Item, "name" | "size" | "body" | "file"> & {token?: string}} facts */
  #begin(facts) {
    this.count += 1;
    this.items.push(newItem({ key: `mine ${this.count}`, token: newToken(), ...facts }));
    this.#changed();
    this.#next();
  }

  /** So many are sent at once; others wait for their turn. */
  #next() {
    const going = this.items.filter(isGoing).length;
    const waits = this.items.find(isQueued);
    if (!waits || going >= AT_ONCE) return;
    this.#create(waits);
    this.#next();
  }

  /** @param {Item} item */
  async #create(item) {
    item.error = null;
    this.#changed();
    try {
      const upload = await this.#ask(item);
      if (!this.items.includes(item)) {
        // Put away before the server had it.
        await api.removeUpload(upload.id);
        return;
      }
      this.items = this.items.filter((each) => each === item || each.upload?.id !== upload.id);
      item.upload = upload;
      if (item.file) this.#sendParts(item, item.file, upload);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      item.error = error;
    }
    this.#changed();
    this.#next();
  }

  /** @param {Item} item */
  async #ask(item) {
    item.begins = true;
    this.asking += 1;
    try {
      return await api.createUpload(item.body, item.token);
    } finally {
      item.begins = false;
      this.asking -= 1;
    }
  }

  /**
   * @param {Item} item
   * @param {File} file
   * @param {Upload} upload
   */
  #sendParts(item, file, upload) {
    item.file = file;
    keepModified(upload.id, file.lastModified);
    this.#run(item, new Sending(file, upload, line, () => this.#changed()));
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
      const { all, gone, past } = await readUploads(this.items);
      for (const item of gone) {
        item.sending?.pause();
        this.dismiss(item);
      }
      this.past = past;
      this.#merge(all);
    } catch (error) {
      // The lists say what is wrong; the next event asks again.
      if (!(error instanceof ApiError)) console.error(error);
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
    const others = this.asking ? [] : [...all.values()].reverse();
    for (const upload of others) {
      if (hasEnded(upload) || known.has(upload.id) || this.away.has(upload.id)) continue;
      const { id, originalFileName, fileName, url, fileSize = 0 } = upload;
      const name = originalFileName || fileName || url || id;
      this.items.push(newItem({ key: id, name, size: fileSize, body: {}, file: null, upload }));
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

/** One for the page: what is sent goes on while ComfyUI shows another tab of its sidebar. */
export const uploads = new Uploads();
