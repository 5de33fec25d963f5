/** What of the library is shown: the search field, a row of types, a row of filters. */

import { ApiError, api, words } from "../data/api.js";
import { MenuChip } from "../gallery/menu-chip.js";
import { chip } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { openPicker } from "../parts/picker.js";
import { SearchBox } from "../parts/search-box.js";
import { typeName, typeNames } from "./names.js";

/**
 * @typedef {import("../data/library-calls.js").ModelFilter} ModelFilter
 * @typedef {import("../data/library-calls.js").ModelTag} ModelTag
 * @typedef {import("../data/library-calls.js").Facets} Facets
 */

const TYPING_PAUSE = 120;
const NO_BASE = "Not known";

export class ModelFilters {
  /**
   * @param {{changed: (filter: ModelFilter) => void, collections: () => void}} asked `collections`:
   *   show all of them
   */
  constructor({ changed, collections }) {
    this.changed = changed;
    this.collections = collections;
    /** @type {ModelFilter} */
    this.filter = {};
    /** @type {(ModelTag & {without: boolean})[]} */
    this.tags = [];
    /** @type {import("../data/collection-calls.js").Collection | null} */
    this.collectionShown = null;
    /** @type {string[]} */
    this.known = [];
    /** @type {Facets | null} of the whole library */
    this.facets = null;
    this.box = new SearchBox({
      placeholder: "Name, tag, trigger word",
      label: "Search models by name, tag, trigger word or note",
      pause: TYPING_PAUSE,
      typed: () => this.#set({}),
    });
    this.search = this.box.element;
    this.field = this.box.field;
    this.types = h("div", { class: "chips model-types", role: "group", "aria-label": "Types" });
    this.favorite = chip(icon("heart"), "Favourites only", () =>
      this.#set({ favorite: this.filter.favorite ? undefined : true }),
    );
    this.base = new MenuChip({
      word: "Base model",
      title: "Choose a base model",
      open: (anchor) => this.#chooseBase(anchor),
      clear: () => this.#set({ base_model: undefined }),
    });
    this.collection = new MenuChip({
      word: "Collection",
      title: "Choose a collection",
      open: (anchor) => this.#chooseCollection(anchor),
      clear: () => this.#set({ collection: undefined }),
    });
    this.tag = h(
      "button",
      { class: "chip", type: "button", title: "Choose tags", onclick: () => this.#chooseTag() },
      h("span", {}, "Tag"),
      icon("down"),
    );
    this.chosenTags = h("span", { class: "suggestions" });
    this.missing = chip("Missing", "Only models whose file is gone", () =>
      this.#set({ status: this.filter.status ? undefined : "missing" }),
    );
    this.doubles = chip("Duplicates", "Only files that are there more than once", () =>
      this.#set({ duplicates: this.filter.duplicates ? undefined : true }),
    );
    this.chips = h(
      "div",
      { class: "chips model-chips", role: "group", "aria-label": "Filters" },
      this.favorite,
      this.base.element,
      this.chosenTags,
      this.tag,
      this.collection.element,
      this.missing,
      this.doubles,
    );
    this.#show();
  }

  /** Whether nothing is chosen but the order. */
  get isEmpty() {
    const { sort: _sort, order: _order, ...rest } = this.filter;
    return Object.values(rest).every((value) => value === undefined);
  }

  /**
   * @param {string[]} known types that there can be
   * @param {Facets} facets of the whole library
   */
  setFacets(known, facets) {
    this.known = known;
    this.facets = facets;
    this.#show();
  }

  clear() {
    this.box.set("");
    this.tags = [];
    const { sort, order } = this.filter;
    this.filter = { sort, order };
    this.#set({});
  }

  /**
   * @param {import("../data/library-calls.js").ModelSort} sort
   * @param {"asc" | "desc"} order
   */
  sort(sort, order) {
    this.#set({ sort, order });
  }

  /** Only this tag. @param {ModelTag} tag */
  onlyTag(tag) {
    this.clear();
    this.#addTag(tag, false);
  }

  /** @param {ModelFilter} changes */
  #set(changes) {
    const ids = (/** @type {boolean} */ without) =>
      this.tags
        .filter((tag) => tag.without === without)
        .map(({ id }) => id)
        .join(",") || undefined;
    this.filter = {
      ...this.filter,
      q: this.box.take() || undefined,
      tags: ids(false),
      exclude_tags: ids(true),
      ...changes,
    };
    this.#show();
    this.changed(this.filter);
  }

  #show() {
    const { filter, facets } = this;
    this.#showTypes();
    this.favorite.setAttribute("aria-pressed", String(Boolean(filter.favorite)));
    this.base.show(filter.base_model ?? "", "All base models");
    const { name = "", color } = (filter.collection && this.collectionShown) || {};
    this.collection.show(name, "All models", color);
    fill(this.chosenTags, ...this.tags.map((tag) => this.#tagChip(tag)));
    this.missing.hidden = !facets?.missing && !filter.status;
    this.missing.setAttribute("aria-pressed", String(filter.status === "missing"));
    this.doubles.hidden = !facets?.duplicates && !filter.duplicates;
    this.doubles.setAttribute("aria-pressed", String(Boolean(filter.duplicates)));
  }

  /** Chips of the types that there are models of, most first; all others behind the last one. */
  #showTypes() {
    const { facets, known, filter } = this;
    const counts = new Map(facets?.types.map(({ name, count }) => [name, count]));
    const names = [...counts.keys()].filter((name) => counts.get(name) || name === filter.type);
    if (filter.type && !names.includes(filter.type)) names.push(filter.type);
    names.sort((a, b) => Number(a === "others") - Number(b === "others") || (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
    const all = this.#typeChip("", "All", facets?.total);
    const chips = names.map((name) => this.#typeChip(name, typeNames(name), counts.get(name)));
    const rest = known.filter((name) => !names.includes(name));
    const more = h(
      "button",
      { class: "chip", type: "button", title: "Other types", onclick: () => this.#chooseType(more, rest) },
      icon("more"),
    );
    const focused = this.types.contains(/** @type {ShadowRoot} */ (this.types.getRootNode()).activeElement);
    fill(this.types, all, ...chips, rest.length > 0 && more);
    if (focused) /** @type {HTMLElement | null} */ (this.types.querySelector("[aria-pressed='true']"))?.focus();
  }

  /**
   * @param {string} type empty: all
   * @param {string} text
   * @param {number | undefined} count
   */
  #typeChip(type, text, count) {
    const title = type ? `${text} only` : "All types";
    const made = chip(text, title, () => this.#set({ type: type || undefined }));
    made.setAttribute("aria-pressed", String((this.filter.type ?? "") === type));
    if (count !== undefined) made.append(h("span", { class: "count" }, count.toLocaleString("en")));
    return made;
  }

  /**
   * @param {Element} anchor
   * @param {string[]} names
   */
  #chooseType(anchor, names) {
    const choices = names.map((name) => ({ value: name, text: typeName(name) }));
    const about = { label: "Types", name: "Type", none: "No such type" };
    openPicker(anchor, choices, { ...about, choose: (type) => this.#set({ type }) });
  }

  /** @param {ModelTag & {without: boolean}} tag */
  #tagChip(tag) {
    const { name, without } = tag;
    const remove = () => {
      this.tags = this.tags.filter((each) => each !== tag);
      this.#set({});
    };
    return h(
      "button",
      { class: "chip is-on", type: "button", title: `Remove this filter: ${without ? "not " : ""}${name}`, onclick: remove },
      h("span", {}, without ? `not ${name}` : name),
      icon("close"),
    );
  }

  /**
   * @param {ModelTag} tag
   * @param {boolean} without
   */
  #addTag(tag, without) {
    this.tags = [...this.tags.filter(({ id }) => id !== tag.id), { ...tag, without }];
    this.#set({});
  }

  /**
   * What there is to choose from, were it not for these filters.
   * @param {(keyof ModelFilter)[]} without
   * @returns {Promise<Facets | null>}
   */
  async #ask(...without) {
    const filter = { ...this.filter };
    for (const each of [...without, "sort", "order"]) delete filter[/** @type {keyof ModelFilter} */ (each)];
    try {
      return await api.facets(filter);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(words(error), error);
      return null;
    }
  }

  /** @param {Element} anchor */
  async #chooseBase(anchor) {
    const facets = await this.#ask("base_model");
    const choices = (facets?.base_models ?? []).map(({ name, count }) => ({
      value: name,
      text: name || NO_BASE,
      about: String(count),
    }));
    openPicker(anchor, choices.filter(({ value }) => value), {
      label: "Base models",
      name: "Base model",
      none: "No base model is known yet",
      choose: (base_model) => this.#set({ base_model }),
    });
  }

  async #chooseTag() {
    const facets = await this.#ask("tags", "exclude_tags");
    const free = (facets?.tags ?? []).filter(({ id }) => !this.tags.some((tag) => tag.id === id));
    const choices = [false, true].flatMap((without) =>
      free.map((tag) => ({
        value: { tag, without },
        text: without ? `not ${tag.name}` : tag.name,
        about: String(tag.count),
        group: without ? "Without" : "With",
      })),
    );
    openPicker(this.tag, choices, {
      label: "Tags",
      name: "Tag",
      none: "No tags here",
      choose: ({ tag, without }) => this.#addTag(tag, without),
    });
  }

  /** @param {Element} anchor */
  async #chooseCollection(anchor) {
    /** @type {import("../data/collection-calls.js").Collection[]} */
    let found = [];
    try {
      found = await api.collections();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
    }
    const choices = found.map((each) => ({ value: each, text: each.name, color: each.color, about: String(each.models) }));
    const all = { value: null, text: "All collections …", sign: /** @type {const} */ ("folder") };
    openPicker(anchor, [...choices, all], {
      label: "Collections",
      name: "Collection",
      none: "No collection of that name",
      choose: (chosen) => {
        if (!chosen) return this.collections();
        this.collectionShown = chosen;
        this.#set({ collection: chosen.id });
      },
    });
  }
}
