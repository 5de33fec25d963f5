/** The tab of the library: search, filters, cards, the opened model, and the sheets behind ⋯. */

import { ApiError, api } from "../data/api.js";
import { keyNeeded } from "../gallery/states.js";
import { Veils } from "../gallery/veils.js";
import { iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { openMenu } from "../parts/menu.js";
import { paced } from "../parts/paced.js";
import { BulkBar } from "./bulk-bar.js";
import { Faces } from "./faces.js";
import { IndexLine } from "./index-line.js";
import { libraryActs } from "./library-acts.js";
import { modelActs } from "./model-acts.js";
import { ModelFilters } from "./model-filters.js";
import { ModelGrid } from "./model-grid.js";
import { ModelRows } from "./model-rows.js";
import { ModelSheets } from "./model-sheets.js";
import { failed, noModels, noneFound, stateKind, stillLooking } from "./model-states.js";
import { ModelView } from "./model-view.js";
import { Selection } from "./selection.js";
import { sortChip } from "./sort-chip.js";

/** @typedef {import("../shell/screen.js").Screen} Screen */

const GREY_AFTER = 150;
const BETWEEN_LOOKS = 500;

/** @implements {Screen} */
export class ModelsScreen {
  name = "models";
  title = "Models";

  /** @param {import("../shell/screen.js").Shell} shell */
  constructor(shell) {
    this.shell = shell;
    this.veils = new Veils();
    this.faces = new Faces();
    this.rows = new ModelRows((filter, page) => api.library(filter, page));
    this.selection = new Selection();
    /** @type {string[]} */
    this.types = [];
    this.started = false;
    this.filters = new ModelFilters({ changed: (filter) => this.#filtered(filter), collections: () => this.openCollections() });
    this.search = this.filters.search;
    this.field = this.filters.field;
    const { rows, selection, faces, veils } = this;
    this.whole = libraryActs({ notice: shell.notice, rows, selection });
    const acts = modelActs({ shell, rows, selection, faces, veils, open: (key) => this.open(key) });
    this.grid = new ModelGrid(acts, rows);
    this.view = new ModelView({
      ...acts,
      shell,
      faces,
      types: () => this.types,
      covered: (item) => veils.covers(item),
      showTag: (tag) => this.#showTag(tag),
      changed: (model) => rows.change(this.view.key, shown(model)),
      close: () => this.#closeModel(),
    });
    this.index = new IndexLine(shell.notice);
    this.summary = h("span", { class: "wanted-summary" });
    this.more = iconButton("more", "More of the library", () => openMenu(this.more, this.#menu()));
    this.place = h("div", { class: "state-place" });
    this.bulk = new BulkBar({
      notice: shell.notice,
      selection,
      types: () => this.types,
      all: this.whole.select,
      move: () => this.sheets.openMove([...selection.models.values()]),
    });
    const order = sortChip((sort, direction) => this.filters.sort(sort, direction));
    this.list = h(
      "div",
      { class: "model-list" },
      this.filters.types,
      this.filters.chips,
      h("div", { class: "wanted-bar model-bar-line" }, this.summary, order, this.more),
      this.index.element,
      this.place,
      this.grid.element,
      this.bulk.element,
    );
    this.sheets = this.#makeSheets(acts);
    this.element = h(
      "div",
      { class: "models", id: "screen-models", role: "tabpanel", "aria-label": "Models", hidden: true },
      this.list,
      ...this.sheets.sheets.map(({ element }) => element),
      this.view.element,
    );
    this.count = h("span", { class: "count" });
    this.shownState = "";
    this.looks = paced(() => this.#look(), BETWEEN_LOOKS);
    rows.addEventListener("change", () => this.#draw());
    for (const each of [faces, veils, selection]) each.addEventListener("change", () => this.#drawGrid());
  }

  /** @param {import("./model-acts.js").ModelActs} models */
  #makeSheets(models) {
    return new ModelSheets(this.list, {
      shell: this.shell,
      models,
      veils: this.veils,
      opening: () => this.#closeModel(),
      close: () => this.#closeSheet(),
      back: () => this.#back(),
      open: (key) => this.#openBeside(key),
      openCollection: (id) => this.openCollection(id),
      showTag: (tag) => this.#showTag(tag),
    });
  }

  start() {
    this.looks.ask();
    if (this.started) this.#read();
  }

  /** What nobody looks at is not read. */
  shown() {
    if (!this.started) this.#read();
    else this.#draw();
  }

  destroy() {
    this.rows.abort.abort();
    clearTimeout(this.greyTimer);
    this.filters.box.stop();
    this.looks.stop();
    this.index.stop();
    this.faces.stop();
    this.sheets.destroy();
    this.grid.destroy();
    this.view.hide();
  }

  /** @param {string} topic */
  hear(topic) {
    if (topic === "library" || topic === "reset") this.looks.ask();
    if (!this.started) return;
    if (topic === "library" || topic === "reset") this.faces.touch();
    if (topic === "settings" || topic === "reset") this.veils.read();
    if (topic === "jobs") this.index.hear();
  }

  /** @returns {boolean} whether there was something to close */
  close() {
    if (this.sheets.isOpen) return this.#closeModel() || this.#back();
    return this.selection.clear() || this.#closeModel();
  }

  /**
   * Show a model, beside the list or over it.
   * @param {string} key
   */
  open(key) {
    this.#closeSheet();
    this.#openBeside(key);
    this.grid.mark(key);
    const index = this.rows.indexOf(key);
    if (index >= 0) this.grid.goTo(index, false);
  }

  /** @param {string} id */
  openCollection(id) {
    this.sheets.openCollection(id);
  }

  openCollections() {
    this.sheets.open(this.sheets.collections);
  }

  /**
   * Whatever is there stays below or beside it.
   * @param {string} key
   */
  #openBeside(key) {
    const first = !this.view.key;
    this.element.classList.add("has-model");
    this.view.open(key);
    if (first) this.view.element.focus({ preventScroll: true });
  }

  focusSearch() {
    this.#closeSheet();
    this.filters.box.focus();
  }

  focusList() {
    if (!this.sheets.isOpen) this.grid.focus();
  }

  #menu() {
    return [
      { text: "Select all", act: this.whole.select },
      { text: "Look through the folders", act: this.whole.scan },
      { text: "Ask CivitAI about all", act: this.whole.lookUp },
      ...this.sheets.menu(),
    ];
  }

  /** @param {import("../data/library-calls.js").ModelTag} tag */
  #showTag(tag) {
    this.#closeSheet();
    this.filters.onlyTag(tag);
  }

  #closeSheet() {
    if (!this.sheets.close()) return false;
    this.#listIsBack();
    return true;
  }

  #back() {
    if (!this.sheets.back()) return false;
    if (!this.sheets.isOpen) this.#listIsBack();
    return true;
  }

  #listIsBack() {
    this.more.focus({ preventScroll: true });
    this.#draw();
  }

  #closeModel() {
    const { key } = this.view;
    if (!key) return false;
    this.view.hide();
    this.element.classList.remove("has-model");
    if (this.sheets.isOpen) {
      this.sheets.current?.focusOn?.(key);
      return true;
    }
    this.grid.mark(null);
    const index = this.rows.indexOf(key);
    if (index >= 0) this.grid.goTo(index);
    return true;
  }

  async #read() {
    this.started = true;
    this.#readTypes();
    this.veils.read();
    this.index.hear();
    await this.rows.reset();
  }

  async #readTypes() {
    try {
      const [types, facets] = await Promise.all([api.modelTypes(), api.facets({})]);
      this.types = types;
      this.filters.setFacets(types, facets);
      this.#showCount(facets.total);
    } catch (error) {
      // The list says what is wrong; without types only their filter is missing.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** Something has changed; many changes in a row are one look. */
  async #look() {
    if (this.started) {
      this.rows.touch();
      this.view.touch();
      this.index.hear();
      this.sheets.touch();
      await this.#readTypes();
      return;
    }
    try {
      this.#showCount((await api.libraryStatus()).models);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** @param {number} total */
  #showCount(total) {
    this.count.textContent = total ? total.toLocaleString("en") : "";
  }

  /** @param {import("../data/library-calls.js").ModelFilter} filter */
  #filtered(filter) {
    this.grid.rewind();
    this.rows.reset(filter);
  }

  #drawGrid() {
    if (this.element.hidden) return;
    if (this.sheets.isOpen) return this.sheets.collection.redraw();
    this.grid.show(false);
    this.bulk.draw();
  }

  #draw() {
    const { total, state, complete } = this.rows;
    clearTimeout(this.greyTimer);
    const waiting = state === "loading" && !total;
    // What comes at once needs no grey in between.
    if (waiting) this.greyTimer = setTimeout(() => this.grid.show(true), GREY_AFTER);
    else this.#drawGrid();
    if (!waiting) this.summary.textContent = total ? countText(total, "model") + (complete ? "" : " so far") : "";
    this.#drawState();
  }

  #drawState() {
    const kind = stateKind(this.rows, this.filters);
    if (kind === this.shownState) return;
    this.shownState = kind;
    this.element.classList.toggle("is-locked", kind === "key");
    if (kind === "key") this.close();
    fill(this.place, this.#stateElement(kind));
  }

  /** @param {string} kind */
  #stateElement(kind) {
    if (kind === "key") return keyNeeded(this.shell.unlocked);
    if (kind.startsWith("failed")) return failed(this.rows.error, () => this.rows.retry());
    if (kind === "looking") return stillLooking();
    if (kind === "empty") return noModels(() => this.shell.add(), this.whole.scan);
    return kind ? noneFound(() => this.filters.clear()) : null;
  }
}

/**
 * What the list shows of a model.
 * @param {import("../data/library-calls.js").FullModel} model
 */
const shown = ({ name, type, base_model, favorite, rating, tags }) => ({ name, type, base_model, favorite, rating, tags });
