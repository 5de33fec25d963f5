/** The tab of the library: search, filters, cards, the opened model, and the sheets behind ⋯. */

import { ApiError, api, words } from "../data/api.js";
import { keyOf } from "../data/library-calls.js";
import { keyNeeded } from "../gallery/states.js";
import { Veils } from "../gallery/veils.js";
import { iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { paced } from "../parts/paced.js";
import { Sheets } from "../parts/sheet.js";
import { failure } from "../parts/states.js";
import { BesideSheet } from "./beside-sheet.js";
import { CareSheet } from "./care-sheet.js";
import { Faces } from "./faces.js";
import { IndexLine } from "./index-line.js";
import { loadingOf } from "./loaders.js";
import { ModelFilters } from "./model-filters.js";
import { ModelGrid } from "./model-grid.js";
import { ModelRows } from "./model-rows.js";
import { noModels, noneFound } from "./model-states.js";
import { ModelView } from "./model-view.js";
import { titleOf } from "./names.js";
import { TagsSheet } from "./tags-sheet.js";
import { recommended } from "./strengths.js";
import { Selection } from "./selection.js";
import { BulkBar } from "./bulk-bar.js";
import { MoveSheet } from "./move-sheet.js";
import { StagingSheet } from "../staging/staging-sheet.js";
import { MigrateSheet } from "../staging/migrate-sheet.js";
import { ExportSheet } from "../staging/export-sheet.js";

/**
 * @typedef {import("../data/library-calls.js").Model} Model
 * @typedef {import("../shell/screen.js").Screen} Screen
 */

const GREY_AFTER = 150;
const BETWEEN_LOOKS = 500;

/** @type {readonly (readonly [string, import("../data/library-calls.js").ModelSort, "asc" | "desc"])[]} */
const ORDERS = [
  ["Name", "name", "asc"],
  ["Newest", "created_at", "desc"],
  ["Largest", "size_bytes", "desc"],
  ["Rating", "rating", "desc"],
];

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
    this.filters = new ModelFilters((filter) => this.#filtered(filter));
    this.search = this.filters.search;
    this.field = this.filters.field;
    const acts = this.#acts();
    this.grid = new ModelGrid(acts, this.rows);
    this.view = new ModelView({
      ...acts,
      shell,
      faces: this.faces,
      types: () => this.types,
      covered: (item) => this.veils.covers(item),
      showTag: (tag) => this.filters.onlyTag(tag),
      changed: (model) => this.rows.change(this.view.key, shown(model)),
      close: () => this.#closeModel(),
    });
    this.index = new IndexLine(shell.notice);
    this.summary = h("span", { class: "wanted-summary" });
    this.sort = h("button", { class: "chip", type: "button", title: "Order", onclick: () => this.#chooseSort() });
    this.more = iconButton("more", "More of the library", () => openMenu(this.more, this.#menu()));
    this.place = h("div", { class: "state-place" });
    const sheet = { notice: shell.notice, jobs: shell.jobs, close: () => this.#closeSheet(), open: (/** @type {string} */ key) => this.open(key) };
    this.care = new CareSheet(sheet);
    this.beside = new BesideSheet(sheet);
    this.tags = new TagsSheet({
      ...sheet,
      showTag: (tag) => {
        this.#closeSheet();
        this.filters.onlyTag(tag);
      },
    });
    this.staging = new StagingSheet(sheet);
    this.migrate = new MigrateSheet(sheet);
    this.move = new MoveSheet(sheet);
    this.exchange = new ExportSheet(sheet);
    this.bulk = new BulkBar({
      notice: shell.notice,
      selection: this.selection,
      types: () => this.types,
      all: () => this.#selectAll(),
      move: () => this.#openMove(),
    });
    this.list = h(
      "div",
      { class: "model-list" },
      this.filters.types,
      this.filters.chips,
      h("div", { class: "wanted-bar model-bar-line" }, this.summary, this.sort, this.more),
      this.index.element,
      this.place,
      this.grid.element,
      this.bulk.element,
    );
    this.sheets = new Sheets(this.list, [this.tags, this.care, this.beside, this.staging, this.migrate, this.move, this.exchange]);
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
    this.rows.addEventListener("change", () => this.#draw());
    this.faces.addEventListener("change", () => this.#drawGrid());
    this.veils.addEventListener("change", () => this.#drawGrid());
    this.selection.addEventListener("change", () => this.#drawGrid());
    this.#drawSort();
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
    this.looks.stop();
    this.faces.stop();
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
    return this.#closeSheet() || this.selection.clear() || this.#closeModel();
  }

  /**
   * Show a model, beside the list or over it.
   * @param {string} key
   */
  open(key) {
    this.#closeSheet();
    const first = !this.view.key;
    this.element.classList.add("has-model");
    this.view.open(key);
    this.grid.mark(key);
    const index = this.rows.indexOf(key);
    if (index >= 0) this.grid.goTo(index, false);
    if (first) this.view.element.focus({ preventScroll: true });
  }

  focusSearch() {
    this.#closeSheet();
    this.field.focus();
    this.field.select();
  }

  focusList() {
    if (!this.sheets.isOpen) this.grid.focus();
  }

  #acts() {
    const { addModel } = this.shell.surroundings;
    const add = addModel
      ? async (/** @type {Model} */ model, /** @type {number} */ strength = NaN) => {
          const loading = loadingOf(model, Number.isNaN(strength) ? await this.#strengthOf(model) : strength);
          await this.#attempt(async () => (loading ? addModel(loading) : ""));
        }
      : null;
    return {
      add,
      canAdd: (/** @type {Model} */ model) => loadingOf(model) !== null,
      open: (/** @type {Model} */ model) => this.open(keyOf(model)),
      favour: (/** @type {Model} */ model) => this.#favour(model),
      more: (/** @type {Model} */ model, /** @type {Element} */ anchor) => this.#openCardMenu(model, anchor),
      select: (/** @type {number} */ index, /** @type {{shiftKey: boolean}} */ { shiftKey }) =>
        this.selection.toggle(index, shiftKey, (at) => this.rows.at(at)),
      isSelected: (/** @type {string} */ key) => this.selection.has(key),
      face: (/** @type {Model} */ model) => this.#face(model),
    };
  }

  /** What its presets recommend; only LoRAs have one. @param {Model} model */
  async #strengthOf(model) {
    if (!model.types.includes("loras")) return undefined;
    try {
      return recommended((await api.model(keyOf(model))).data.presets);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return 1;
    }
  }

  /** @param {() => Promise<string>} work says what it has done */
  async #attempt(work) {
    try {
      const said = await work();
      if (said) this.shell.notice.done(said);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.shell.notice.failed(error instanceof ApiError ? words(error) : error instanceof Error ? error.message : words(error));
    }
  }

  /** @param {Model} model */
  #face(model) {
    const key = keyOf(model);
    const face = this.faces.get(key);
    const level = face?.picture ? face.nsfw_level : 0;
    const { from, hideFrom } = this.veils;
    const hidden = hideFrom > 0 && level >= hideFrom;
    return { address: hidden ? "" : this.faces.address(key), covered: from > 0 && level >= from };
  }

  /** @param {Model} model */
  async #favour(model) {
    const key = keyOf(model);
    this.rows.change(key, { favorite: !model.favorite });
    try {
      await api.changeModel(key, { favorite: !model.favorite });
    } catch (error) {
      this.rows.change(key, { favorite: model.favorite });
      if (!(error instanceof ApiError)) console.error(error);
      this.shell.notice.failed(words(error));
    }
  }

  /**
   * @param {Model} model
   * @param {Element} anchor
   */
  #openCardMenu(model, anchor) {
    const { add, canAdd } = this.#acts();
    const index = this.rows.indexOf(keyOf(model));
    openMenu(anchor, [
      ...(add && canAdd(model) ? [{ text: "Add to workflow", act: () => add(model) }] : []),
      { text: "Open", act: () => this.open(keyOf(model)) },
      { text: model.favorite ? "No favourite any more" : "Favourite", act: () => this.#favour(model) },
      { text: this.selection.has(keyOf(model)) ? "Do not select" : "Select", act: () => this.selection.toggle(index, false, (at) => this.rows.at(at)) },
      { text: "Copy name", act: () => this.shell.copy(titleOf(model)) },
    ]);
  }

  #menu() {
    const open = (/** @type {import("../parts/sheet.js").Sheet} */ sheet) => () => this.#openSheet(sheet);
    return [
      { text: "Select all", act: () => this.#selectAll() },
      { text: "Look through the folders", act: () => this.#scan() },
      { text: "Tags …", act: open(this.tags) },
      { text: "Staging …", act: open(this.staging) },
      { text: "Older database …", act: open(this.migrate) },
      { text: "Duplicates and unused …", act: open(this.care) },
      { text: "Moves …", act: open(this.move) },
      { text: "Ask CivitAI about all", act: () => this.#lookUp() },
      { text: "Beside the models …", act: open(this.beside) },
      { text: "Export, import, backups …", act: open(this.exchange) },
    ];
  }

  /** @param {import("../parts/sheet.js").Sheet} sheet */
  #openSheet(sheet) {
    this.#closeModel();
    this.sheets.open(sheet);
  }

  #openMove() {
    this.move.choose([...this.selection.models.values()]);
    this.#openSheet(this.move);
  }

  #closeSheet() {
    if (!this.sheets.close()) return false;
    this.move.choose([]);
    this.more.focus({ preventScroll: true });
    this.#draw();
    return true;
  }

  #closeModel() {
    const { key } = this.view;
    if (!key) return false;
    this.view.hide();
    this.element.classList.remove("has-model");
    this.grid.mark(null);
    const index = this.rows.indexOf(key);
    if (index >= 0) this.grid.goTo(index);
    return true;
  }

  async #scan() {
    await this.#attempt(async () => {
      await api.scanLibrary();
      return "Looking through the folders";
    });
  }

  async #lookUp() {
    await this.#attempt(async () => {
      await api.lookUp(undefined);
      return "Asking CivitAI about all that it was not asked before";
    });
  }

  async #selectAll() {
    await this.#attempt(async () => {
      const { models, total } = await api.library(this.rows.filter, { limit: Selection.MOST, offset: 0 });
      this.selection.set(models);
      return models.length < total ? `The first ${countText(models.length, "model")} are selected` : "";
    });
  }

  #chooseSort() {
    const entries = ORDERS.map(([text, sort, order]) => ({
      text,
      act: () => {
        this.filters.sort(sort, order);
        this.#drawSort();
      },
    }));
    openMenu(this.sort, entries);
  }

  #drawSort() {
    const { sort = "name" } = this.filters.filter;
    const [text] = ORDERS.find(([, each]) => each === sort) ?? ["Name"];
    fill(this.sort, h("span", {}, text), icon("down"));
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
      this.staging.touch();
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
    if (this.element.hidden || this.sheets?.isOpen) return;
    this.grid.show(false);
    this.bulk.draw();
  }

  #draw() {
    const { total, state } = this.rows;
    clearTimeout(this.greyTimer);
    const waiting = state === "loading" && !total;
    // What comes at once needs no grey in between.
    if (waiting) this.greyTimer = setTimeout(() => this.grid.show(true), GREY_AFTER);
    else this.#drawGrid();
    if (!waiting) this.summary.textContent = total ? countText(total, "model") : "";
    this.#drawState();
  }

  #drawState() {
    const { state, error, total } = this.rows;
    let kind = "";
    if (state === "failed") kind = error instanceof ApiError && error.status === 401 ? "key" : `failed ${words(error)}`;
    else if (state === "ready" && !total) kind = this.filters.isEmpty ? "empty" : "none";
    if (kind === this.shownState) return;
    this.shownState = kind;
    this.element.classList.toggle("is-locked", kind === "key");
    if (kind === "key") this.close();
    fill(this.place, this.#stateElement(kind));
  }

  /** @param {string} kind */
  #stateElement(kind) {
    if (kind === "key") return keyNeeded(this.shell.unlocked);
    if (kind.startsWith("failed")) return failure("The models could not be read", this.rows.error, () => this.rows.retry());
    if (kind === "empty") return noModels(() => this.shell.add(), () => this.#scan());
    return kind ? noneFound(() => this.filters.clear()) : null;
  }
}

/**
 * What the list shows of a model.
 * @param {import("../data/library-calls.js").FullModel} model
 */
const shown = ({ name, type, base_model, favorite, rating, tags }) => ({ name, type, base_model, favorite, rating, tags });
