/** The gallery: search, chips, columns of pictures, the opened one, and the sheets behind ⋯. */

import { ApiError, api } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { PictureView } from "../picture/picture-view.js";
import { RunPanel } from "../run/run-panel.js";
import { Filters } from "./filters.js";
import { galleries, versionsOf } from "./galleries.js";
import { GallerySheets } from "./gallery-sheets.js";
import { Grid } from "./grid.js";
import { Pages } from "./pages.js";
import { pictureActs } from "./picture-acts.js";
import { failed, keyNeeded, nothingFound, nothingOfModel, nothingYet, stateKind } from "./states.js";
import { Veils } from "./veils.js";

/**
 * @typedef {import("../data/api.js").Item} Item
 * @typedef {import("../shell/screen.js").Screen} Screen
 */

const GREY_AFTER = 150;
const TOUCH_PAUSE = 300;

/** @implements {Screen} */
export class GalleryScreen {
  name = "gallery";
  title = "Gallery";
  /** @type {GallerySheets} */
  sheets;

  /** @param {import("../shell/screen.js").Shell} shell */
  constructor(shell) {
    this.shell = shell;
    this.veils = new Veils();
    this.pages = new Pages((filter, page) =>
      api.list({ ...filter, max_nsfw: this.veils.highest(filter.max_nsfw) }, page),
    );
    this.pages.addEventListener("change", () => this.#draw());
    this.veils.addEventListener("change", () => this.#drawVeils());
    /** @type {import("../data/api.js").GalleryModel[]} */
    this.models = [];
    this.filters = new Filters({
      changed: (filter) => this.#filtered(filter),
      covers: (level) => this.veils.coversLevel(level),
      versions: (id) => versionsOf(id, shell.catalog.entries, this.pages.items),
    });
    this.search = this.filters.search;
    this.field = this.filters.field;
    const acts = this.#acts();
    this.grid = new Grid(
      { ...acts, open: (item) => (this.veils.covers(item) ? this.veils.lift(item) : this.open(item.id)) },
      { moved: (first, last) => this.#moved(first, last) },
    );
    const step = (/** @type {1 | -1} */ by) => this.#step(by);
    const close = () => this.#closePicture();
    this.picture = new PictureView({ ...acts, step, close }, shell);
    this.runs = new RunPanel({
      notice: shell.notice,
      chosen: () => this.#chosen(),
      menu: () => this.sheets.menu(),
      settings: shell.settings,
      openFailures: () => this.sheets.open(this.runs.failures),
      closeFailures: () => this.#closeSheet(),
    });
    this.place = h("div", { class: "state-place" });
    const { bar, form, failures } = this.runs;
    const parts = [this.filters.chips, bar.element, form.element, this.place, this.grid.element];
    this.list = h("div", { class: "gallery-list" }, ...parts);
    this.sheets = new GallerySheets(this.list, [failures], {
      notice: shell.notice,
      jobs: shell.jobs,
      opening: () => this.#closePicture(),
      upload: shell.upload,
      collections: shell.collections,
      close: () => this.#closeSheet(),
      model: () => this.filters.filter.model_id,
      models: () => this.filters.models,
      covers: (level) => this.veils.coversLevel(level),
      showModel: (id) => this.showModel(id),
      open: (id) => this.open(id),
    });
    this.element = h(
      "div",
      { class: "gallery", id: "screen-gallery", role: "tabpanel", "aria-label": "Gallery" },
      this.list,
      ...this.sheets.sheets.map(({ element }) => element),
      this.picture.element,
    );
    this.sight = { first: 0, last: -1 };
    /** @type {string | null} the picture that stands open */
    this.opened = null;
    /** @type {string | null} the picture to open once the list holds it */
    this.openWhenThere = null;
    this.shownState = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.touchTimer = undefined;
    shell.catalog.addEventListener("change", () => this.#setModels());
  }

  async start() {
    this.#readModels();
    // What is to be left out must not be shown first.
    await this.veils.read();
    this.pages.reset();
  }

  shown() {}

  destroy() {
    this.pages.abort.abort();
    clearTimeout(this.greyTimer);
    clearTimeout(this.touchTimer);
    this.filters.box.stop();
    this.runs.stop();
    this.picture.hide();
    this.grid.destroy();
  }

  /** @param {string} topic */
  hear(topic) {
    if (topic === "gallery" || topic === "reset") this.touch();
    if (topic === "settings" || topic === "reset") this.#settingsChanged();
    if (topic === "gallery") this.picture.tagNames.forget();
    this.runs.hear(topic);
    if (topic === "gallery") this.sheets.disk.touch();
    if (topic === "library" || topic === "reset") this.picture.touch();
  }

  /** Something of the gallery has changed; many changes in a row are one look. */
  touch() {
    this.pages.touch();
    this.touchTimer ??= setTimeout(() => {
      this.touchTimer = undefined;
      this.#readModels();
      if (this.pages.state === "failed") this.pages.retry();
      else this.#refresh();
    }, TOUCH_PAUSE);
  }

  /** @returns {boolean} whether there was something to close */
  close() {
    return this.#closeSheet() || this.runs.closeForm() || this.#closePicture();
  }

  /**
   * Show a picture large; one that the list does not hold is looked for by itself.
   * @param {string} id
   */
  open(id) {
    this.#closeSheet();
    if (!this.pages.items.some((item) => item.id === id)) {
      this.openWhenThere = id;
      this.filters.only();
      this.touch();
      return;
    }
    const first = !this.opened;
    this.opened = id;
    this.element.classList.add("has-picture");
    this.#drawPicture();
    this.grid.mark(id);
    this.grid.goTo(id, false);
    if (first) this.picture.element.focus({ preventScroll: true });
  }

  /**
   * A model's gallery, whole; it may be empty yet.
   * @param {number} id
   */
  showModel(id) {
    this.#closeSheet();
    this.#closePicture();
    this.filters.only(id);
  }

  focusSearch() {
    this.#closeSheet();
    this.filters.box.focus();
  }

  focusList() {
    if (!this.sheets.isOpen) this.grid.focus();
  }

  #acts() {
    const { notice, copy, surroundings } = this.shell;
    const showModel = (/** @type {number} */ id) => this.showModel(id);
    const acts = pictureActs({ pages: this.pages, notice, copy, surroundings, showModel });
    const open = (/** @type {Item} */ item) => this.open(item.id);
    // The workflow is what a person wants to see then.
    /** @param {(item: Item) => Promise<boolean>} act */
    const shrinking = (act) => async (/** @type {Item} */ item) => {
      if (await act(item)) this.picture.shrink();
    };
    return {
      ...acts,
      open,
      load: shrinking(acts.load),
      showTag: (/** @type {string} */ name) => this.filters.addTag(name),
      openWorkflow: acts.openWorkflow && shrinking(acts.openWorkflow),
      covered: (/** @type {Item} */ item) => this.veils.covers(item),
      uncover: (/** @type {Item} */ item) => this.veils.lift(item),
    };
  }

  #closeSheet() {
    if (!this.sheets.close()) return false;
    this.runs.bar.more.focus({ preventScroll: true });
    this.#draw();
    return true;
  }

  #closePicture() {
    if (!this.opened) return false;
    const id = this.opened;
    this.opened = null;
    this.picture.hide();
    this.element.classList.remove("has-picture");
    this.grid.mark(null);
    this.grid.goTo(id);
    return true;
  }

  /** @param {import("../data/api.js").Filter} filter */
  #filtered(filter) {
    this.runs.follow(filter.model_id);
    this.grid.rewind();
    this.pages.reset(filter);
  }

  #chosen() {
    const { model_id, version_id } = this.filters.filter;
    const model = this.filters.models.find((each) => each.model_id === model_id);
    return {
      name: model_id === undefined ? "" : this.filters.nameOf(model_id),
      count: model?.count ?? 0,
      version: version_id,
      versionName: this.filters.versionName,
    };
  }

  #draw() {
    const { items, total, state } = this.pages;
    clearTimeout(this.greyTimer);
    const loading = state === "loading";
    this.grid.show(items, { total, loading: loading && items.length > 0 });
    this.runs.showTotal(total, state === "ready" || items.length > 0);
    if (loading && !items.length) {
      // What comes at once needs no grey in between.
      this.greyTimer = setTimeout(() => this.grid.show([], { total: 0, loading: true }), GREY_AFTER);
    }
    this.#drawState();
    this.#drawPicture();
    if (this.openWhenThere && items.some((item) => item.id === this.openWhenThere)) {
      const id = this.openWhenThere;
      this.openWhenThere = null;
      this.open(id);
    }
  }

  #drawState() {
    const kind = stateKind(this.pages, this.filters);
    if (kind === this.shownState) return;
    this.shownState = kind;
    fill(this.place, this.#stateElement(kind));
    this.element.classList.toggle("is-locked", kind === "key");
    if (kind === "key") this.close();
  }

  /** @param {string} kind */
  #stateElement(kind) {
    const { error } = this.pages;
    const { model_id } = this.filters.filter;
    if (kind === "key") return keyNeeded(this.shell.unlocked);
    if (kind.startsWith("failed")) return failed(error, () => this.pages.retry());
    if (kind === "empty") return nothingYet(() => this.shell.add(), (near) => this.filters.chooseModel(near));
    if (kind === "none") return nothingFound(() => this.filters.only(model_id));
    if (!kind) return null;
    return nothingOfModel(this.#chosen().name, model_id ? () => this.runs.openForm() : null);
  }

  #drawPicture() {
    if (!this.opened) return;
    const index = this.pages.items.findIndex((item) => item.id === this.opened);
    const item = this.pages.items[index];
    if (item) this.picture.show(item, this.pages.items, index);
    else if (this.pages.state === "ready") this.#closePicture();
  }

  #drawVeils() {
    this.grid.update();
    this.#drawPicture();
  }

  /** Pictures may be hidden now that were shown, or the other way round. */
  async #settingsChanged() {
    if (await this.veils.read()) this.pages.reset();
  }

  /**
   * @param {number} first
   * @param {number} last
   */
  #moved(first, last) {
    this.sight = { first, last };
    // Two windows ahead, so that a hand on the wheel does not meet the end.
    const ahead = this.grid.element.clientHeight * 2;
    const left = this.grid.columns.height - this.grid.element.scrollTop - this.grid.element.clientHeight;
    if (left < ahead && !this.sheets?.isOpen) this.pages.more();
    this.#refresh();
  }

  #refresh() {
    this.pages.refresh(this.sight.first, this.sight.last);
  }

  async #readModels() {
    try {
      this.models = await api.models();
      this.#setModels();
    } catch (error) {
      // The list says what is wrong; without models only their filter is missing.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  #setModels() {
    this.filters.setModels(galleries(this.models, this.shell.catalog.entries));
  }

  /** @param {1 | -1} by */
  #step(by) {
    const { items } = this.pages;
    const index = items.findIndex((item) => item.id === this.opened) + by;
    if (index >= items.length - 10) this.pages.more();
    const item = items[index];
    if (item) this.open(item.id);
  }
}
