/** The uploads in the tray: those of now, and below them the past ones. */

import { ApiError, words } from "../data/api.js";
import { h } from "../parts/dom.js";
import { placeText } from "./files.js";
import { hasEnded, problemOf, stageOf } from "./items.js";
import { PastUploads } from "./past-uploads.js";
import { asJob, figuresOf } from "./upload-facts.js";
import { uploadRow } from "./upload-row.js";
import { uploads } from "./uploads.js";

/**
 * @typedef {import("./items.js").Item} Item
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 *
 * @typedef {object} UploadActs
 * @property {(item: Item) => void} pause
 * @property {(item: Item) => void} resume
 * @property {(item: Item) => void} retry
 * @property {(item: Item) => Promise<void>} cancel
 * @property {(item: Item) => void} dismiss
 * @property {(item: Item) => void} choose its file again
 * @property {(item: Item) => void} show where it lies
 * @property {(item: Item) => void} settings
 * @property {(item: Item) => boolean} canRetry
 * @property {(upload: Upload | null) => boolean} canShow
 *
 * @typedef {object} Ways
 * @property {import("../parts/notice.js").Notice} notice
 * @property {import("../data/jobs.js").Jobs} jobs
 * @property {(id: string) => void} picture
 * @property {(key: string) => void} model
 * @property {() => void} settings
 */

export class UploadRows {
  /**
   * @param {Ways} ways
   * @param {() => void} changed
   */
  constructor(ways, changed) {
    this.ways = ways;
    this.uploads = uploads;
    /** @type {Map<string, import("./upload-row.js").Row>} */
    this.rows = new Map();
    /** @type {Item | null} whose file is being chosen */
    this.chooses = null;
    this.picker = h("input", {
      type: "file",
      class: "off-screen",
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => this.#chosen(),
    });
    this.acts = this.#acts();
    this.past = new PastUploads(ways.notice, this.acts, (upload) => this.#show(upload));
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    uploads.addEventListener("change", changed, { signal });
    uploads.addEventListener("ended", (event) => this.#ended(event), { signal });
  }

  stop() {
    this.stopped.abort();
  }

  /** What is shown now, besides the past ones: first what is not over. */
  get items() {
    const { items } = this.uploads;
    return [...items.filter(({ upload }) => !hasEnded(upload)), ...items.filter(({ upload }) => hasEnded(upload))];
  }

  /** The list is closed: what has come to its place has been seen. */
  leave() {
    this.past.toggle(false);
    for (const item of this.items) if (stageOf(item) === "done") uploads.dismiss(item);
  }

  /** As the tray sums them up. */
  jobs() {
    return this.items.map((item) => asJob(item, figuresOf(item, this.#jobOf(item))));
  }

  /** @returns {HTMLElement[]} */
  draw() {
    /** @type {UploadRows["rows"]} */
    const rows = new Map();
    for (const item of this.items) {
      const row = this.rows.get(item.key) ?? uploadRow(this.acts, (each) => this.#jobOf(each));
      row.show(item);
      rows.set(item.key, row);
    }
    this.rows = rows;
    return [...rows.values()].map(({ element }) => element);
  }

  /** @returns {UploadActs} */
  #acts() {
    return {
      pause: (item) => uploads.pause(item),
      resume: (item) => uploads.resume(item),
      retry: (item) => uploads.retry(item),
      cancel: (item) => this.#cancel(item),
      dismiss: (item) => uploads.dismiss(item),
      choose: (item) => {
        this.chooses = item;
        this.picker.click();
      },
      show: ({ upload }) => this.#show(upload),
      settings: this.ways.settings,
      canRetry: ({ body, file }) => Boolean(file || body.url || body.huggingFaceModelName),
      canShow: (upload) => upload?.place?.kind === "gallery" || upload?.place?.kind === "model",
    };
  }

  /** @param {Item} item */
  #jobOf(item) {
    return this.ways.jobs.get(item.upload?.id);
  }

  /** @param {Item} item */
  async #cancel(item) {
    try {
      await uploads.cancel(item);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.ways.notice.failed(`${item.name}: ${words(error)}`);
    }
  }

  #chosen() {
    const [file] = this.picker.files ?? [];
    const item = this.chooses;
    this.picker.value = "";
    this.chooses = null;
    if (!file || !item) return;
    const wrong = uploads.goOn(item, file);
    if (wrong) this.ways.notice.failed(wrong);
    else this.ways.notice.clear();
  }

  /** @param {Upload | null} upload */
  #show(upload) {
    if (upload?.place?.kind === "gallery") this.ways.picture(upload.place.id ?? "");
    else if (upload?.entityId) this.ways.model(upload.entityId);
  }

  /** @param {Event} event */
  #ended(event) {
    const item = /** @type {CustomEvent<Item>} */ (event).detail;
    const { notice } = this.ways;
    this.past.touch();
    // In the open list it is seen already.
    if (this.past.element.checkVisibility()) return;
    if (stageOf(item) === "done") notice.done(`${item.name}: ${placeText(item.upload?.place)}`);
    else notice.failed(`${item.name}: ${problemOf(item)}`);
  }
}
