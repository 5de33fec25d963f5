/** The gallery: search, chips, columns of pictures, and the opened one. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { PictureView } from "../picture/picture-view.js";
import { Filters } from "./filters.js";
import { Grid } from "./grid.js";
import { Pages } from "./pages.js";
import { pictureActs } from "./picture-acts.js";
import { failed, keyNeeded, nothingFound, nothingYet } from "./states.js";

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

  /** @param {import("../shell/screen.js").Shell} shell */
  constructor({ surroundings, notice, copy, add, unlocked }) {
    this.add = add;
    this.unlocked = unlocked;
    this.pages = new Pages(api.list);
    this.pages.addEventListener("change", () => this.#draw());
    this.filters = new Filters((filter) => {
      this.grid.rewind();
      this.pages.reset(filter);
    });
    const acts = pictureActs(this.pages, notice, copy, surroundings.loadInWorkflow);
    this.acts = acts;
    const open = (/** @type {Item} */ item) => this.open(item.id);
    const load = async (/** @type {Item} */ item) => {
      // The workflow is what a person wants to see then.
      if (await acts.load(item)) this.picture.shrink();
    };
    this.grid = new Grid({ ...acts, load, open }, {
      moved: (first, last) => this.#moved(first, last),
    });
    const step = (/** @type {1 | -1} */ by) => this.#step(by);
    const close = () => this.close();
    this.picture = new PictureView({ ...acts, load, open, step, close }, notice.element);
    this.place = h("div", { class: "state-place" });
    this.search = this.filters.search;
    this.field = this.filters.field;
    this.element = h(
      "div",
      { class: "gallery", id: "screen-gallery", role: "tabpanel", "aria-label": "Gallery" },
      h("div", { class: "gallery-list" }, this.filters.chips, this.place, this.grid.element),
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
  }

  start() {
    this.pages.reset();
    this.#readModels();
  }

  destroy() {
    this.pages.abort.abort();
    clearTimeout(this.greyTimer);
    clearTimeout(this.touchTimer);
    this.picture.hide();
    this.grid.destroy();
  }

  shown() {}

  /** @param {string} topic */
  hear(topic) {
    if (topic === "gallery" || topic === "reset") this.touch();
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
    if (!this.opened) return false;
    const id = this.opened;
    this.opened = null;
    this.picture.hide();
    this.element.classList.remove("has-picture");
    this.grid.mark(null);
    this.grid.goTo(id);
    return true;
  }

  /**
   * Show a picture large; one that the list does not hold is looked for by itself.
   * @param {string} id
   */
  open(id) {
    if (!this.pages.items.some((item) => item.id === id)) {
      this.openWhenThere = id;
      this.filters.clear();
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

  focusSearch() {
    this.field.focus();
    this.field.select();
  }

  focusList() {
    this.grid.focus();
  }

  #draw() {
    const { items, total, state, error, complete } = this.pages;
    clearTimeout(this.greyTimer);
    const loading = state === "loading";
    this.grid.show(items, { total, loading: loading && items.length > 0 });
    if (loading && !items.length) {
      // What comes at once needs no grey in between.
      this.greyTimer = setTimeout(() => this.grid.show([], { total: 0, loading: true }), GREY_AFTER);
    }
    this.#drawState(items, state, error, complete);
    this.#drawPicture();
    if (this.openWhenThere && items.some((item) => item.id === this.openWhenThere)) {
      const id = this.openWhenThere;
      this.openWhenThere = null;
      this.open(id);
    }
  }

  /**
   * @param {Item[]} items
   * @param {string} state
   * @param {unknown} error
   * @param {boolean} complete
   */
  #drawState(items, state, error, complete) {
    const locked = error instanceof ApiError && error.status === 401;
    /** @type {Element | null} */
    let shown = null;
    let kind = "";
    if (state === "failed" && locked) kind = "key";
    else if (state === "failed") kind = `failed ${words(error)}`;
    else if (complete && !items.length) kind = this.filters.isEmpty ? "empty" : "none";
    if (kind === this.shownState) return;
    this.shownState = kind;
    if (kind === "key") shown = keyNeeded(this.unlocked);
    else if (kind.startsWith("failed")) shown = failed(error, () => this.pages.retry());
    else if (kind === "empty") shown = nothingYet(() => this.add());
    else if (kind === "none") shown = nothingFound(() => this.filters.clear());
    fill(this.place, shown);
    this.element.classList.toggle("is-locked", kind === "key");
    if (kind === "key") this.close();
  }

  #drawPicture() {
    if (!this.opened) return;
    const index = this.pages.items.findIndex((item) => item.id === this.opened);
    const item = this.pages.items[index];
    if (item) this.picture.show(item, this.pages.items, index);
    else if (this.pages.state === "ready") this.close();
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
    if (left < ahead) this.pages.more();
    this.#refresh();
  }

  #refresh() {
    this.pages.refresh(this.sight.first, this.sight.last);
  }

  async #readModels() {
    try {
      this.filters.setModels(await api.models());
    } catch (error) {
      // The list says what is wrong; without models only their filter is missing.
      if (!(error instanceof ApiError)) console.error(error);
    }
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
