/** The row of chips and the search field: what of the gallery is shown. */

import { chip } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { openPicker } from "../parts/picker.js";
import { SearchBox } from "../parts/search-box.js";
import { levelChoices, modelChoices, tagChoices } from "./filter-choices.js";
import { modelsNamed } from "./galleries.js";
import { levelName } from "./levels.js";
import { MenuChip } from "./menu-chip.js";

/**
 * @typedef {import("../data/api.js").Filter} Filter
 * @typedef {import("../data/api.js").GalleryModel} GalleryModel
 * @typedef {import("../data/api.js").Source} Source
 */

/**
 * @typedef {object} Asked
 * @property {(filter: Filter) => void} changed
 * @property {(level: number) => boolean} covers whether pictures of a level are covered
 * @property {(modelId: number) => import("./galleries.js").Version[]} versions
 */

const TYPING_PAUSE = 200;
const SUGGESTIONS = 3;

export class Filters {
  /** @param {Asked} asked */
  constructor({ changed, covers, versions }) {
    this.changed = changed;
    this.covers = covers;
    this.versions = versions;
    /** @type {Filter} */
    this.filter = {};
    /** @type {GalleryModel[]} */
    this.models = [];
    this.box = new SearchBox({
      placeholder: "Prompt, author, model",
      label: "Search pictures by prompt, author or model",
      pause: TYPING_PAUSE,
      typed: () => this.#set({}),
    });
    this.search = this.box.element;
    this.field = this.box.field;
    this.suggestions = h("span", { class: "suggestions" });
    this.menus = this.#makeMenus();
    this.star = chip(icon("star"), "Starred only", () =>
      this.#set({ starred: this.filter.starred ? undefined : true }),
    );
    this.sources = this.#makeSources();
    this.types = this.#makeTypes();
    this.chips = h(
      "div",
      { class: "chips", role: "group", "aria-label": "Filters" },
      this.suggestions,
      this.menus.model.element,
      this.menus.version.element,
      this.star,
      ...Object.values(this.sources),
      ...Object.values(this.types),
      this.menus.tag.element,
      this.menus.level.element,
    );
    this.#show();
  }

  get isEmpty() {
    return Object.values(this.filter).every((value) => value === undefined);
  }

  /** Whether nothing but the model is chosen. */
  get isWhole() {
    return Object.entries(this.filter).every(([name, value]) => name === "model_id" || value === undefined);
  }

  /**
   * The name of a model that pictures are filtered by.
   * @param {number} id
   */
  nameOf(id) {
    return this.models.find((model) => model.model_id === id)?.name ?? `Model ${id}`;
  }

  /** Of the chosen version. */
  get versionName() {
    const { version_id } = this.filter;
    return this.#versions().find(({ id }) => id === version_id)?.name ?? `Version ${version_id}`;
  }

  /** @param {GalleryModel[]} models */
  setModels(models) {
    this.models = models;
    this.#show();
  }

  /** @param {string} name of a tag that pictures are to have too */
  addTag(name) {
    this.#set({ tags: name });
  }

  /**
   * Everything of one model, or of all.
   * @param {number} [model_id]
   */
  only(model_id) {
    this.box.set("");
    const none = Object.fromEntries(Object.keys(this.filter).map((name) => [name, undefined]));
    this.#set({ ...none, model_id });
  }

  #makeMenus() {
    const model = new MenuChip({
      word: "Model",
      title: "Choose a model",
      open: (anchor) => this.chooseModel(anchor),
      clear: () => this.#set({ model_id: undefined, version_id: undefined }),
    });
    const version = new MenuChip({
      word: "Version",
      title: "Choose a version of the model",
      open: (anchor) => this.#chooseVersion(anchor),
      clear: () => this.#set({ version_id: undefined }),
    });
    const tag = new MenuChip({
      word: "Tag",
      title: "Choose a tag of CivitAI",
      open: (anchor) => this.#chooseTag(anchor),
      clear: () => this.#set({ tags: undefined }),
    });
    const level = new MenuChip({
      word: "Level",
      title: "Choose the highest level",
      open: (anchor) => this.#chooseLevel(anchor),
      clear: () => this.#set({ max_nsfw: undefined }),
    });
    return { model, version, tag, level };
  }

  #makeSources() {
    const make = (/** @type {string} */ text, /** @type {string} */ title, /** @type {Source} */ value) =>
      chip(text, title, () => this.#set({ source: this.filter.source === value ? undefined : value }));
    return {
      original: make("Original", "From the model's own page", "original"),
      community: make("Community", "Made by others", "community"),
      own: make("Own", "Added from this machine", "own"),
    };
  }

  #makeTypes() {
    const make = (/** @type {string} */ text, /** @type {"image" | "video"} */ value) =>
      chip(text, `${text}s only`, () => this.#set({ type: this.filter.type === value ? undefined : value }));
    return { image: make("Picture", "image"), video: make("Video", "video") };
  }

  /**
   * Choose one of the models, also of those without pictures.
   * @param {Element} anchor
   */
  chooseModel(anchor) {
    openPicker(anchor, modelChoices(this.models, this.covers), {
      label: "Models",
      name: "Name of the model",
      none: this.models.length
        ? "No model of that name has pictures here."
        : "Add a LoRA to the catalog first: then its pictures can be fetched.",
      choose: (id) => this.#set({ model_id: id, version_id: undefined }),
    });
  }

  #versions() {
    const { model_id } = this.filter;
    return model_id === undefined ? [] : this.versions(model_id);
  }

  /** @param {Element} anchor */
  #chooseVersion(anchor) {
    const choices = this.#versions().map(({ id, name }) => ({ value: id, text: name }));
    openPicker(anchor, choices, {
      label: "Versions",
      name: "Name of the version",
      none: "No version is known yet.",
      choose: (id) => this.#set({ version_id: id }),
    });
  }

  /**
   * @param {Element} anchor
   * @param {boolean} [sync] ask CivitAI for names first
   */
  async #chooseTag(anchor, sync = false) {
    this.menus.tag.disabled = true;
    const { choices, none } = await tagChoices(sync);
    this.menus.tag.disabled = false;
    const choose = (/** @type {string} */ name) =>
      name ? this.#set({ tags: name }) : this.#chooseTag(anchor, true);
    openPicker(anchor, choices, { label: "Tags", name: "Name of the tag", none, choose });
  }

  /** @param {Element} anchor */
  #chooseLevel(anchor) {
    openPicker(anchor, levelChoices(), {
      label: "Levels",
      name: "Name of the level",
      none: "",
      choose: (level) => this.#set({ max_nsfw: level }),
    });
  }

  /** @param {Partial<Filter>} changes */
  #set(changes) {
    const before = JSON.stringify(this.filter);
    // What was typed a moment ago counts too.
    this.filter = { ...this.filter, q: this.box.take() || undefined, ...changes };
    this.#show();
    if (JSON.stringify(this.filter) !== before) this.changed(this.filter);
  }

  #show() {
    const { starred, source, type, model_id, version_id, tags, max_nsfw } = this.filter;
    const press = (/** @type {Element} */ each, /** @type {boolean} */ on) =>
      each.setAttribute("aria-pressed", String(on));
    press(this.star, Boolean(starred));
    for (const [name, each] of Object.entries(this.sources)) press(each, source === name);
    for (const [name, each] of Object.entries(this.types)) press(each, type === name);
    const { model, version, tag, level } = this.menus;
    const chosen = model_id !== undefined;
    model.show(chosen ? this.nameOf(model_id) : "", "All models");
    model.disabled = !chosen && !this.models.length;
    version.element.hidden = !chosen;
    version.show(version_id === undefined ? "" : this.versionName, "All versions");
    tag.show(tags ?? "", "All tags");
    level.show(max_nsfw ? `≤ ${levelName(max_nsfw)}` : "", "All levels");
    this.#suggest();
  }

  /** What is typed may be a model's name: then one click shows that model's pictures. */
  #suggest() {
    const text = this.filter.q ?? "";
    const found = text.length > 1 && this.filter.model_id === undefined ? modelsNamed(this.models, text) : [];
    const chips = found.slice(0, SUGGESTIONS).map((model) =>
      h(
        "button",
        {
          class: "chip is-suggestion",
          type: "button",
          title: `Only pictures of ${model.name}`,
          onclick: () => {
            this.box.set("");
            this.#set({ q: undefined, model_id: model.model_id });
          },
        },
        icon("model"),
        h("span", {}, model.name),
      ),
    );
    fill(this.suggestions, ...chips);
  }
}
