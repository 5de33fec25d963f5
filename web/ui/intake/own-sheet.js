/** Pictures of one's own: files that are dropped or chosen, or what ComfyUI has made. */

import { ApiError, api, words } from "../data/api.js";
import { modelChoices } from "../gallery/filter-choices.js";
import { dropZone } from "../parts/drop-zone.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { openPicker } from "../parts/picker.js";
import { sheet } from "../parts/sheet.js";
import { OutputFolder } from "./output-folder.js";

/**
 * @typedef {object} OwnActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {() => void} close
 * @property {(id: string) => void} open a picture
 * @property {() => import("../data/api.js").GalleryModel[]} models
 * @property {(level: number) => boolean} covers
 */

const AT_ONCE = 2;

export class OwnSheet {
  /** @param {OwnActs} acts */
  constructor(acts) {
    this.acts = acts;
    /** @type {number} 0: to no model */
    this.modelId = 0;
    /** @type {(() => Promise<void>)[]} uploads that wait */
    this.waiting = [];
    this.going = 0;
    this.model = h("button", { class: "chip", type: "button", onclick: () => this.#chooseModel() });
    this.zone = dropZone({
      text: "Pictures and videos, with what they carry of their making. Drop them here, or:",
      accept: "image/*,video/*",
      multiple: true,
      take: (files) => this.take(files),
    });
    this.list = h("ul", { class: "add-list", "aria-live": "polite" });
    this.output = new OutputFolder({ notice: acts.notice, model: () => this.modelId });
    const way = { back: "Back to the pictures", close: acts.close };
    this.element = sheet(
      "Add own pictures",
      way,
      [],
      h("p", { class: "own-model" }, "They belong to ", this.model),
      this.zone.element,
      this.list,
      this.output.element,
    ).element;
    this.#drawModel();
  }

  show() {
    this.element.hidden = false;
    fill(this.list);
    this.zone.button.focus({ preventScroll: true });
    this.output.read();
  }

  /** @param {number | undefined} modelId */
  choose(modelId) {
    this.modelId = modelId ?? 0;
    this.#drawModel();
  }

  /** @param {File[]} files */
  take(files) {
    for (const file of files) {
      const row = h("li", { class: "add-row" });
      this.list.append(row);
      this.#add(file, row);
    }
  }

  #drawModel() {
    const model = this.acts.models().find((each) => each.model_id === this.modelId);
    const name = this.modelId ? (model?.name ?? `Model ${this.modelId}`) : "no model";
    fill(this.model, h("span", {}, name), icon("down"));
    this.model.title = "Choose the model they belong to";
  }

  #chooseModel() {
    const none = { value: 0, text: "No model", sign: /** @type {const} */ ("image") };
    const models = this.acts.models().filter((model) => model.model_id);
    const choices = modelChoices(models, this.acts.covers).map((each) => ({ ...each, group: "" }));
    openPicker(this.model, [none, ...choices], {
      label: "Models",
      name: "Name of the model",
      none: "No model of that name.",
      choose: (id) => this.choose(id),
    });
  }

  /**
   * @param {File} file
   * @param {HTMLElement} row
   */
  #add(file, row) {
    const { modelId } = this;
    row.className = "add-row is-running";
    draw(row, h("span", { class: "spinner" }), file.name, "Waiting …");
    this.waiting.push(() => this.#upload(file, row, modelId));
    this.#next();
  }

  async #next() {
    if (this.going >= AT_ONCE) return;
    const work = this.waiting.shift();
    if (!work) return;
    this.going += 1;
    await work();
    this.going -= 1;
    this.#next();
  }

  /**
   * @param {File} file
   * @param {HTMLElement} row
   * @param {number} modelId
   */
  async #upload(file, row, modelId) {
    const link = (/** @type {string} */ text, /** @type {() => void} */ act) =>
      h("button", { class: "link", type: "button", onclick: act }, text);
    draw(row, h("span", { class: "spinner" }), file.name, "Adding …");
    try {
      const { id } = await api.addOwn(file, modelId);
      row.className = "add-row is-done";
      draw(row, icon("check"), file.name, "In the gallery", link("Show", () => this.acts.open(id)));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      row.className = "add-row is-failed";
      draw(row, icon("warning"), file.name, words(error), link("Retry", () => this.#add(file, row)));
    }
  }
}

/**
 * @param {HTMLElement} row
 * @param {Element} sign
 * @param {string} name
 * @param {string} text
 * @param {Element} [act]
 */
function draw(row, sign, name, text, act) {
  fill(row, sign, h("span", { class: "add-name" }, name), h("span", { class: "add-state" }, text), act);
}
