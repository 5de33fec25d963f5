/** One model, whole: its pictures, what a person has written, what its file says. */

import { ApiError, api, words } from "../data/api.js";
import { iconButton, whileBusy } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { reportOf } from "../data/tasks.js";
import { failure, greyRows } from "../parts/states.js";
import { Editable } from "./editable.js";
import { FileFacts } from "./file-facts.js";
import { ModelLabels } from "./model-labels.js";
import { isLora, kindPart, notesPart, strengthPart, textsPart, wordsPart } from "./model-parts.js";
import { ModelPictures } from "./model-pictures.js";
import { ModelRecord } from "./model-record.js";
import { titleOf, typeName } from "./names.js";
import { recommended } from "./strengths.js";

/**
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 * @typedef {import("../data/library-calls.js").Model} Model
 */

/**
 * @typedef {object} ViewActs
 * @property {import("../shell/screen.js").Shell} shell
 * @property {import("./faces.js").Faces} faces
 * @property {() => string[]} types
 * @property {(item: import("../data/api.js").Item) => boolean} covered
 * @property {(tag: import("../data/library-calls.js").ModelTag) => void} showTag
 * @property {import("./model-acts.js").MainAct} main
 * @property {(model: Model) => Promise<void>} favour
 * @property {(model: FullModel) => void} changed the list is to show it too
 * @property {() => void} close
 */

const STARS = 5;
const GREY_AFTER = 150;

export class ModelView {
  /** @param {ViewActs} acts */
  constructor(acts) {
    this.acts = acts;
    const { copy, notice, picture } = acts.shell;
    this.record = new ModelRecord();
    this.record.addEventListener("change", () => this.#draw());
    /** @type {number | null} chosen by hand */
    this.strength = null;
    this.drawnKey = "";
    /** @type {{last_used: number | null} | null} */
    this.use = null;
    /** @type {Record<string, any> | null} what CivitAI says */
    this.found = null;
    const save = (/** @type {import("../data/library-calls.js").ModelChanges} */ changes) => this.#save(changes);
    const now = () => this.#strength();
    this.parts = [
      wordsPart(copy),
      strengthPart(now, (strength) => (this.strength = strength)),
      notesPart(),
      textsPart(),
      kindPart(acts.types),
    ].map((part) => new Editable(part, save));
    this.labels = new ModelLabels({ notice, changed: () => this.#reread(), showTag: acts.showTag, collection: acts.shell.collection });
    this.pictures = new ModelPictures({ notice, faces: acts.faces, openPicture: picture, covered: acts.covered });
    this.file = new FileFacts(copy);
    this.title = h("h2", { class: "model-title" });
    this.about = h("p", { class: "model-lead" });
    this.stars = h("div", { class: "model-stars", role: "group", "aria-label": "Rating" });
    this.main = h("button", { class: "button main wide", type: "button", onclick: () => this.#runMain() });
    this.heart = iconButton("heart", "Favourite", () => this.record.model && this.#favour(this.record.model), "raised heart");
    this.more = iconButton("more", "More of this model", () => this.#openMenu(), "raised");
    this.place = h("div", { class: "model-view-place" });
    const back = iconButton("back", "Back to the models", acts.close, "model-back");
    const shut = iconButton("close", "Close", acts.close, "model-shut");
    const [triggers, strengths, notes, texts, kind] = this.parts;
    this.body = h(
      "div",
      { class: "model-body" },
      this.pictures.element,
      this.title,
      this.about,
      h("div", { class: "model-bar" }, this.main, this.heart, this.more),
      this.stars,
      triggers?.element,
      strengths?.element,
      this.labels.element,
      notes?.element,
      this.pictures.gallery,
      texts?.element,
      kind?.element,
      this.file.element,
    );
    this.element = h(
      "aside",
      { class: "model-view", tabindex: "-1", "aria-label": "Model", hidden: true },
      h("div", { class: "model-top" }, back, h("span", { class: "spacer" }), shut),
      this.place,
      this.body,
    );
  }

  get key() {
    return this.record.key;
  }

  /** @param {string} key */
  async open(key) {
    this.element.hidden = false;
    if (key === this.record.key) return;
    this.strength = null;
    this.use = null;
    this.found = null;
    this.element.scrollTop = 0;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.record.state === "loading" && this.#drawPlace(greyRows(5)), GREY_AFTER);
    await this.record.open(key);
    this.#readMore(key);
  }

  hide() {
    clearTimeout(this.timer);
    this.element.hidden = true;
    this.record.close();
    this.drawnKey = "";
  }

  /** Something of the library has changed. */
  touch() {
    if (this.record.key) this.record.read();
  }

  /** Use and CivitAI's word come after what was asked for. @param {string} key */
  async #readMore(key) {
    try {
      const [use, told] = await Promise.all([api.useOf(key), api.civitaiOf(key)]);
      if (key !== this.record.key) return;
      this.use = use;
      this.found = told.found;
      this.#draw();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  #draw() {
    const { model, state, error, key } = this.record;
    if (!key) return;
    if (!model || state === "failed") {
      if (state === "failed") this.#drawPlace(failure("The model could not be read", error, () => this.record.read()));
      return;
    }
    clearTimeout(this.timer);
    this.#drawPlace(null);
    const other = this.drawnKey !== key;
    this.drawnKey = key;
    this.element.setAttribute("aria-label", titleOf(model));
    this.title.textContent = titleOf(model);
    this.#drawAbout(model);
    this.#drawStars(model);
    this.#drawMain(model);
    this.heart.setAttribute("aria-pressed", String(model.favorite));
    for (const part of this.parts) part.show(model, other);
    this.labels.show(key, model);
    this.pictures.show(key, model);
    this.file.show(model, this.use);
    this.acts.changed(model);
  }

  /** @param {Element | null} state */
  #drawPlace(state) {
    fill(this.place, state);
    this.body.hidden = state !== null;
  }

  /** @param {FullModel} model */
  #drawAbout(model) {
    const facts = [
      typeName(model.type),
      model.base_model,
      this.found?.creator && `by ${this.found.creator}`,
      model.size_bytes && sizeText(model.size_bytes),
    ].filter(Boolean);
    const missing = model.status === "missing";
    const state = h("span", { class: missing ? "is-bad" : "is-good" }, missing ? "missing" : "present");
    fill(this.about, `${facts.join(" · ")} · `, state);
  }

  /** @param {FullModel} model */
  #drawStars({ rating }) {
    const at = [...this.stars.children].findIndex((each) => each.matches(":focus"));
    const stars = Array.from({ length: STARS }, (_, index) => {
      const value = index + 1;
      const text = rating === value ? "No rating" : countText(value, "star");
      return h(
        "button",
        {
          class: `model-star ${value <= rating ? "is-on" : ""}`,
          type: "button",
          title: text,
          "aria-label": text,
          "aria-pressed": String(value === rating),
          onclick: () => this.#saveNow({ rating: rating === value ? 0 : value }),
        },
        icon("star"),
      );
    });
    fill(this.stars, ...stars);
    stars[at]?.focus({ preventScroll: true });
  }

  #strength() {
    return this.strength ?? recommended(this.record.model?.presets ?? []);
  }

  /** What is gone and can be had again is got; all else goes to where models are used. @param {FullModel} model */
  #drawMain(model) {
    const { main } = this.acts;
    const get = this.#isToGet(model);
    const [sign, text, title] = get
      ? [/** @type {const} */ ("get"), "Get", "Get its file from CivitAI again"]
      : [main.sign, main.text, main.title];
    this.main.hidden = !get && !main.can(model);
    this.main.title = title;
    if (this.main.textContent !== text) fill(this.main, icon(sign), text);
  }

  /** @param {FullModel} model */
  #isToGet = ({ status }) => status === "missing" && this.#page() !== "";

  /** Its page on CivitAI, as far as that knows it. */
  #page() {
    const { model_id: model, version_id: version } = this.found ?? {};
    return model ? `https://civitai.com/models/${model}?modelVersionId=${version}` : "";
  }

  async #runMain() {
    const { model } = this.record;
    if (!model) return;
    if (this.#isToGet(model)) return this.acts.shell.add(this.#page());
    await whileBusy(this.main, () => this.acts.main.run(model, isLora(model) ? this.#strength() : undefined));
  }

  /** @param {FullModel} model */
  async #favour(model) {
    await this.acts.favour(model);
    await this.record.read();
  }

  /** @param {import("../data/library-calls.js").ModelChanges} changes */
  async #save(changes) {
    await this.record.save(changes);
  }

  /** What nobody has to read before it is replaced. @param {import("../data/library-calls.js").ModelChanges} changes */
  async #saveNow(changes) {
    try {
      await this.record.save(changes, true);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.acts.shell.notice.failed(words(error));
    }
  }

  async #reread() {
    await this.record.read();
  }

  #openMenu() {
    const { model, key } = this.record;
    if (!model) return;
    const { copy, pictures } = this.acts.shell;
    const { found } = this;
    const modelId = Number(found?.model_id ?? 0);
    const page = this.#page();
    openMenu(this.more, [
      ...(page ? [{ text: "Open on CivitAI", href: page }] : []),
      ...(modelId && isLora(model) ? [{ text: "Its gallery", act: () => pictures(modelId) }] : []),
      ...(model.sha256 ? [{ text: found ? "Ask CivitAI again" : "Ask CivitAI about it", act: () => this.#lookUp(key, Boolean(found)) }] : []),
      { text: "Read the files beside it", act: () => this.#import(key) },
      { text: "Copy file name", act: () => copy(model.file.slice(model.file.lastIndexOf("/") + 1)) },
      ...(isLora(model) ? [{ text: "Copy as <lora:…>", act: () => copy(`<lora:${titleOf({ name: "", file: model.file })}:${this.#strength()}>`) }] : []),
      { text: "Copy path", act: () => copy(model.path) },
    ]);
  }

  /**
   * @param {string} key
   * @param {boolean} again
   */
  async #lookUp(key, again) {
    await this.#job(() => api.lookUp([key], again), (report) => (report.found || report.known ? "CivitAI knows it" : report.failed ? "CivitAI could not be asked" : "CivitAI does not know it"));
    this.#readMore(key);
  }

  /** @param {string} key */
  async #import(key) {
    await this.#job(() => api.importSidecars(false, [key]), (report) =>
      report.changed || report.previews ? "Taken over from beside the file" : "Nothing new lies beside it",
    );
  }

  /**
   * @param {() => Promise<{id: string}>} start
   * @param {(report: any) => string} told
   */
  async #job(start, told) {
    const { jobs, notice } = this.acts.shell;
    const { key } = this.record;
    try {
      const { id } = await start();
      const report = await reportOf(jobs, id, () => {}, new AbortController().signal, false, api.libraryReport);
      notice.done(told(report));
    } catch (error) {
      if (error !== null && !(error instanceof ApiError)) console.error(error);
      if (error !== null) notice.failed(words(error));
    }
    if (key === this.record.key) await this.record.read();
  }
}
