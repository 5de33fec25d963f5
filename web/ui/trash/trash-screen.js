/** Deleted models: to be had back, or deleted for good. */

import { ApiError, api, words } from "../data/api.js";
import { iconButton } from "../parts/buttons.js";
import { confirm } from "../parts/confirm.js";
import { fill, h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";
import { sheet } from "../parts/sheet.js";
import { failure, greyRows, state } from "../parts/states.js";

/**
 * @typedef {object} Deleted
 * @property {string} id
 * @property {string} file
 * @property {string} dest
 * @property {string} [name]
 * @property {number} size
 * @property {string} deleted_at
 * @property {boolean} restorable
 * @property {boolean} system it lies in the system's trash
 */

const GREY_AFTER = 150;

export class TrashScreen {
  /** @param {{notice: import("../parts/notice.js").Notice, close: () => void, changed: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    this.figures = h("span", { class: "wanted-summary" });
    this.empty = h(
      "button",
      { class: "button small", type: "button", hidden: true, onclick: () => this.#empty() },
      "Empty",
    );
    this.list = h("ul", { class: "trash-list" });
    this.place = h("div", { class: "state-place" });
    const way = { back: "Back to the catalog", close: acts.close };
    const made = sheet("Trash", way, [this.figures, this.empty], this.place, this.list);
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    fill(this.list);
    fill(this.place);
    this.#read();
  }

  /** Something in it may have changed. */
  touch() {
    if (!this.element.hidden) this.#read();
  }

  async #read() {
    clearTimeout(this.greyTimer);
    if (!this.list.childElementCount) {
      this.greyTimer = setTimeout(() => fill(this.place, greyRows(4)), GREY_AFTER);
    }
    try {
      this.#draw(await everything());
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      clearTimeout(this.greyTimer);
      fill(this.list);
      fill(this.place, failure("The trash could not be read", error, () => this.#read()));
    }
  }

  /** @param {Deleted[]} items */
  #draw(items) {
    clearTimeout(this.greyTimer);
    const bytes = items.filter((item) => !item.system).reduce((sum, item) => sum + item.size, 0);
    this.figures.textContent = items.length ? `${countText(items.length, "file")}, ${sizeText(bytes)}` : "";
    this.empty.hidden = !items.length;
    fill(
      this.place,
      !items.length &&
        state("trash", "The trash is empty", "Files that you delete stay here until you empty it."),
    );
    fill(this.list, ...items.map((item) => this.#row(item)));
  }

  /** @param {Deleted} item */
  #row(item) {
    const name = item.name || item.file;
    const from = item.dest ? `${item.dest}/${item.file}` : item.file;
    const when = new Date(item.deleted_at);
    const shownWhen = Number.isNaN(+when) ? item.deleted_at : when.toLocaleString();
    const restore = { class: "button small", type: "button", onclick: () => this.#restore(item) };
    return h(
      "li",
      { class: "trash-row" },
      h("span", { class: "entry-name", title: name }, name),
      h(
        "span",
        { class: "entry-facts", title: from },
        `${sizeText(item.size)} · `,
        h("time", { datetime: item.deleted_at }, shownWhen),
        ` · ${from}`,
      ),
      h(
        "span",
        { class: "trash-acts" },
        item.restorable
          ? h("button", restore, "Restore")
          : h("span", { class: "hint" }, "In the system's trash"),
        iconButton("trash", `Delete for good: ${name}`, () => this.#delete(item)),
      ),
    );
  }

  /** @param {Deleted} item */
  #restore(item) {
    return this.#run(async () => {
      await api.restore(item.id);
      return `Restored: ${item.file}`;
    });
  }

  /** @param {Deleted} item */
  async #delete(item) {
    const yes = await confirm(this.element, {
      title: "Delete for good",
      text: item.system
        ? `${item.file} is forgotten here; it stays in the system's trash.`
        : `${item.file} (${sizeText(item.size)}) cannot be had back then.`,
      act: "Delete for good",
    });
    if (!yes) return;
    await this.#run(async () => {
      await api.deleteForGood(item.id);
      return `Deleted: ${item.file}`;
    });
  }

  async #empty() {
    const yes = await confirm(this.element, {
      title: "Empty the trash",
      text: `${this.figures.textContent}: all of it is deleted for good.`,
      act: "Empty",
    });
    if (!yes) return;
    await this.#run(async () => {
      const { deleted, freed_bytes } = await api.emptyTrash();
      return `${countText(deleted, "file")} deleted, ${sizeText(freed_bytes)} free again`;
    });
  }

  /** @param {() => Promise<string>} work */
  async #run(work) {
    try {
      this.acts.notice.done(await work());
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.acts.notice.failed(words(error));
    }
    this.acts.changed();
    await this.#read();
  }
}

/** @returns {Promise<Deleted[]>} */
async function everything() {
  /** @type {Deleted[]} */
  const items = [];
  for (;;) {
    const page = await api.trash(items.length);
    items.push(...page.items);
    if (!page.items.length || items.length >= page.total) return items;
  }
}
