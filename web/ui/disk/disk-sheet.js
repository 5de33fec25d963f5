/** What the pictures take up, of whom, and ways to make room. */

import { ApiError, api, words } from "../data/api.js";
import { iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";
import { sheet } from "../parts/sheet.js";
import { failure, greyRows, state } from "../parts/states.js";
import { deleteGallery } from "../run/removal.js";
import { Care } from "./care.js";
import { LimitForm } from "./limit-form.js";

/**
 * @typedef {{model_id: number, name: string, count: number, bytes: number}} ModelSize
 * @typedef {object} Disk
 * @property {number} bytes
 * @property {number} count
 * @property {number} limit_bytes 0: none
 * @property {number} free_bytes
 * @property {ModelSize[]} models most bytes first
 */

const GREY_AFTER = 150;
const SHOWN = 200;

export class DiskSheet {
  /**
   * @param {{notice: import("../parts/notice.js").Notice, jobs: import("../data/jobs.js").Jobs,
   *   close: () => void, showModel: (id: number) => void}} acts
   */
  constructor(acts) {
    this.acts = acts;
    this.figures = h("p", { class: "lead" });
    this.limit = new LimitForm(() => this.#read());
    this.place = h("div", { class: "state-place" });
    this.list = h("ul", { class: "plain-list" });
    this.care = new Care(acts.jobs, () => this.#read());
    const way = { back: "Back to the pictures", close: acts.close };
    const parts = [this.figures, this.limit.element, this.place, this.list, this.care.element];
    const made = sheet("Disk space", way, [], ...parts);
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    this.care.clear();
    this.#read();
  }

  /** Something of it may have changed. */
  touch() {
    if (!this.element.hidden) this.#read();
  }

  async #read() {
    clearTimeout(this.timer);
    if (!this.list.childElementCount) {
      this.timer = setTimeout(() => fill(this.place, greyRows(4)), GREY_AFTER);
    }
    try {
      this.#draw(await api.disk());
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      clearTimeout(this.timer);
      fill(this.list);
      fill(this.place, failure("The sizes could not be read", error, () => this.#read()));
    }
  }

  /** @param {Disk} disk */
  #draw({ bytes, count, limit_bytes: limit, free_bytes: free, models }) {
    clearTimeout(this.timer);
    const parts = [countText(count, "picture"), sizeText(bytes), `${sizeText(free)} free on the disk`];
    this.figures.textContent = parts.join(" · ");
    this.limit.show(bytes, limit);
    const nothing = "What pictures take up is shown here by model.";
    fill(this.place, !models.length && state("image", "No pictures yet", nothing));
    const largest = models[0]?.bytes ?? 0;
    fill(this.list, ...models.slice(0, SHOWN).map((model) => this.#row(model, largest)));
  }

  /**
   * @param {ModelSize} model
   * @param {number} largest bytes
   */
  #row(model, largest) {
    const { model_id: id, bytes, count } = model;
    const name = model.name || (id ? `Model ${id}` : "No known LoRA");
    const title = `Pictures of ${name}`;
    const show = () => this.acts.showModel(id);
    const bar = h("div", { class: "bar" }, h("span"));
    bar.style.setProperty("--done", String(largest ? bytes / largest : 0));
    return h(
      "li",
      { class: "plain-row disk-row" },
      h(
        "span",
        { class: "entry-words" },
        h("button", { class: "name-button", type: "button", title, onclick: show }, name),
        h("span", { class: "entry-facts" }, `${countText(count, "picture")} · ${sizeText(bytes)}`),
      ),
      iconButton("trash", `Delete the pictures of ${name}`, () => this.#delete({ id, name, count, bytes })),
      bar,
    );
  }

  /** @param {{id: number, name: string, count: number, bytes: number}} model */
  async #delete(model) {
    try {
      const said = await deleteGallery(this.element, model);
      if (said) this.acts.notice.done(said);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.acts.notice.failed(words(error));
    }
    await this.#read();
  }
}
