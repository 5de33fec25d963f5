/** The uploads that have ended, a page at a time. */

import { ApiError, api, words } from "../data/api.js";
import { iconButton } from "../parts/buttons.js";
import { fileName, fill, h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { placeText } from "./files.js";
import { hasEnded } from "./items.js";
import { uploads } from "./uploads.js";

/** @typedef {import("../data/upload-calls.js").Upload} Upload */

const PAGE = 20;

export class PastUploads {
  /**
   * @param {import("../parts/notice.js").Notice} notice
   * @param {Pick<import("./upload-rows.js").UploadActs, "canShow">} acts
   * @param {(upload: Upload) => void} show
   */
  constructor(notice, acts, show) {
    this.notice = notice;
    this.acts = acts;
    this.show = show;
    /** @type {Upload[]} */
    this.shown = [];
    /** How far the list of all uploads has been read. */
    this.read = 0;
    this.total = 0;
    this.asked = 0;
    this.list = h("ul", { class: "past-list" });
    this.foot = h("div", { class: "past-foot" });
    this.open = false;
    /** Whether it is to be brought into sight when it has been read. */
    this.scrolls = false;
    this.button = h(
      "button",
      { class: "link past-button", type: "button", "aria-expanded": "false", onclick: () => this.toggle() },
      h("span", {}, "Past uploads"),
      icon("down"),
    );
    this.body = h("div", { class: "past-body", hidden: true }, this.list, this.foot);
    this.element = h("section", { class: "past", "aria-label": "Past uploads" }, this.button, this.body);
  }

  /** @param {boolean} [open] */
  toggle(open = !this.open) {
    this.open = open;
    this.body.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    this.scrolls = true;
    this.#begin();
  }

  /** There may be another one. */
  touch() {
    if (this.open) this.#begin();
  }

  #begin() {
    this.shown = [];
    this.read = 0;
    this.#more();
  }

  async #more() {
    this.asked += 1;
    const mine = this.asked;
    if (!this.shown.length) fill(this.foot, h("p", { class: "hint" }, "Reading …"));
    try {
      const { uploads: page, total } = await api.uploads({ limit: PAGE, offset: this.read });
      if (mine !== this.asked) return;
      this.read += page.length;
      this.total = total;
      const known = new Set(this.shown.map(({ id }) => id));
      this.shown.push(...page.filter((each) => hasEnded(each) && !known.has(each.id)));
      this.#draw();
      if (this.scrolls) this.element.scrollIntoView({ block: "start" });
      this.scrolls = false;
    } catch (error) {
      if (mine !== this.asked) return;
      if (!(error instanceof ApiError)) console.error(error);
      const retry = h("button", { class: "link", type: "button", onclick: () => this.#more() }, "Retry");
      fill(this.foot, h("p", { class: "problem", role: "alert" }, words(error), " ", retry));
    }
  }

  #draw() {
    fill(this.list, ...this.shown.map((upload) => this.#row(upload)));
    const left = this.total - this.read;
    if (left > 0) {
      const more = h("button", { class: "link", type: "button", onclick: () => this.#more() }, "Show more");
      fill(this.foot, more, h("span", { class: "count" }, ` ${countText(left, "older one")}`));
    } else if (!this.shown.length) {
      fill(this.foot, h("p", { class: "hint" }, "None yet. Drop files on this panel to upload them."));
    } else fill(this.foot);
  }

  /** @param {Upload} upload */
  #row(upload) {
    const failed = upload.status === "failed";
    const name = upload.originalFileName || upload.fileName || upload.url || upload.id;
    const told = failed ? (upload.errorMessage ?? "Failed") : placeText(upload.place);
    const when = new Date(upload.updatedAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const size = upload.fileSize ? sizeText(upload.fileSize) : "";
    const facts = [told, size, when].filter(Boolean).join(" · ");
    const remove = iconButton("trash", `Forget the upload of ${name}`, () => this.#forget(upload));
    remove.title = failed ? "Remove from this list" : "Remove from this list; the file stays";
    return h(
      "li",
      { class: "tray-row upload-row", "data-state": failed ? "failed" : "" },
      h(
        "span",
        { class: "entry-words" },
        h("span", { class: "entry-name", title: name }, name),
        h("span", { class: "entry-facts", title: facts }, fileName(facts)),
      ),
      h("span", { class: "entry-acts" }, remove),
      h(
        "span",
        { class: "upload-links" },
        !failed &&
          this.acts.canShow(upload) &&
          h("button", { class: "link", type: "button", onclick: () => this.show(upload) }, "Show"),
      ),
    );
  }

  /** @param {Upload} upload */
  async #forget(upload) {
    try {
      await api.removeUpload(upload.id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) {
        if (!(error instanceof ApiError)) console.error(error);
        this.notice.failed(words(error));
        return;
      }
    }
    this.shown = this.shown.filter((each) => each !== upload);
    this.read = Math.max(0, this.read - 1);
    this.total = Math.max(0, this.total - 1);
    this.#draw();
    uploads.forget(upload.id);
    this.button.focus({ preventScroll: true });
  }
}
