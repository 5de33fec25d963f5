/** The row of chips and the search field: what of the gallery is shown. */

import { chip } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { chooseModel } from "./model-picker.js";

/**
 * @typedef {import("../data/api.js").Filter} Filter
 * @typedef {import("../data/api.js").GalleryModel} GalleryModel
 */

const TYPING_PAUSE = 200;
const SUGGESTIONS = 3;

/**
 * Models whose name holds every word of a text.
 * @param {GalleryModel[]} models
 * @param {string} text
 */
export function modelsNamed(models, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => words.every((word) => model.name.toLowerCase().includes(word)));
}

export class Filters {
  /** @param {(filter: Filter) => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Filter} */
    this.filter = {};
    /** @type {GalleryModel[]} */
    this.models = [];
    this.field = h("input", {
      class: "field",
      type: "search",
      placeholder: "Prompt, author, model",
      "aria-label": "Search pictures by prompt, author or model",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#onKey(event),
    });
    this.search = h(
      "div",
      { class: "search", role: "search" },
      icon("search"),
      this.field,
      h("kbd", { "aria-hidden": "true" }, "/"),
    );
    const choose = () => chooseModel(this.model, this.models, (id) => this.#set({ model_id: id }));
    this.model = h("button", { class: "chip", type: "button", onclick: choose });
    this.noModel = h(
      "button",
      { class: "chip-close", type: "button", onclick: () => this.#set({ model_id: undefined }) },
      icon("close"),
    );
    this.star = chip(icon("star"), "Starred only", () =>
      this.#set({ starred: this.filter.starred ? undefined : true }),
    );
    this.original = chip("Original", "From the model's own page", () => this.#toggleSource("original"));
    this.community = chip("Community", "Made by others", () => this.#toggleSource("community"));
    this.video = chip("Video", "Videos only", () =>
      this.#set({ type: this.filter.type ? undefined : "video" }),
    );
    this.suggestions = h("span", { class: "suggestions" });
    this.chips = h(
      "div",
      { class: "chips", role: "group", "aria-label": "Filters" },
      this.suggestions,
      h("span", { class: "chip-pair" }, this.model, this.noModel),
      this.star,
      this.original,
      this.community,
      this.video,
    );
    this.#show();
  }

  get isEmpty() {
    return Object.values(this.filter).every((value) => value === undefined);
  }

  /** @param {GalleryModel[]} models */
  setModels(models) {
    this.models = models;
    this.#show();
  }

  clear() {
    this.field.value = "";
    this.#set({
      q: undefined,
      model_id: undefined,
      starred: undefined,
      source: undefined,
      type: undefined,
    });
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#set({ q: this.field.value.trim() || undefined }), TYPING_PAUSE);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    if (!this.field.value) this.field.blur();
    this.field.value = "";
    this.#typed();
  }

  /** @param {"original" | "community"} source */
  #toggleSource(source) {
    this.#set({ source: this.filter.source === source ? undefined : source });
  }

  /** @param {Partial<Filter>} changes */
  #set(changes) {
    clearTimeout(this.timer);
    const before = JSON.stringify(this.filter);
    // What was typed a moment ago counts too.
    this.filter = { ...this.filter, q: this.field.value.trim() || undefined, ...changes };
    this.#show();
    if (JSON.stringify(this.filter) !== before) this.changed(this.filter);
  }

  #show() {
    const { starred, source, type, model_id } = this.filter;
    this.star.setAttribute("aria-pressed", String(Boolean(starred)));
    this.original.setAttribute("aria-pressed", String(source === "original"));
    this.community.setAttribute("aria-pressed", String(source === "community"));
    this.video.setAttribute("aria-pressed", String(type === "video"));
    const chosen = model_id !== undefined;
    const name = this.models.find((model) => model.model_id === model_id)?.name ?? `Model ${model_id}`;
    fill(this.model, h("span", {}, chosen ? name : "Model"), !chosen && icon("down"));
    this.model.title = chosen ? `Only ${name}` : "Choose a model";
    this.model.classList.toggle("is-on", chosen);
    this.model.disabled = !chosen && !this.models.length;
    this.noModel.hidden = !chosen;
    this.noModel.setAttribute("aria-label", `All models, not only ${name}`);
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
            this.field.value = "";
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
