/** What takes up room without need: files that are there twice, and what nobody has used. */

import { ApiError, api } from "../data/api.js";
import { keyOf } from "../data/library-calls.js";
import { fileName, fill, h } from "../parts/dom.js";
import { select } from "../parts/fields.js";
import { countText, sizeText } from "../parts/figures.js";
import { sheet } from "../parts/sheet.js";
import { failure, greyRows, state } from "../parts/states.js";
import { titleOf, typeName } from "./names.js";

/** @typedef {import("../data/library-calls.js").Model} Model */

const SHOWN = 200;
const GREY_AFTER = 150;

export class CareSheet {
  /** @param {{close: () => void, open: (key: string) => void}} acts */
  constructor({ close, open }) {
    this.open = open;
    this.days = select("90", [["30", "30 days"], ["90", "90 days"], ["180", "half a year"], ["365", "a year"]], () => this.#read());
    this.days.setAttribute("aria-label", "Not used for");
    this.doubles = h("div", { class: "stack" });
    this.unused = h("div", { class: "stack" });
    const way = { back: "Back to the models", close };
    const made = sheet(
      "Duplicates and unused",
      way,
      [],
      h("h3", { class: "care-head" }, "Duplicates"),
      this.doubles,
      h("h3", { class: "care-head" }, "Not used for ", this.days),
      this.unused,
    );
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    this.#read();
  }

  /** @param {string} key of a model that stood open */
  focusOn(key) {
    const rows = /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll("[data-key]")]);
    (rows.find(({ dataset }) => dataset.key === key) ?? this.back).focus();
  }

  async #read() {
    const timer = setTimeout(() => fill(this.doubles, greyRows(3)), GREY_AFTER);
    try {
      const [doubles, unused] = await Promise.all([api.duplicates(SHOWN), api.unused(Number(this.days.value), SHOWN)]);
      clearTimeout(timer);
      this.#drawDoubles(doubles);
      this.#drawUnused(unused);
    } catch (error) {
      clearTimeout(timer);
      if (!(error instanceof ApiError)) console.error(error);
      fill(this.doubles, failure("It could not be read", error, () => this.#read()));
      fill(this.unused);
    }
  }

  /** @param {{groups: {model: Model, wasted_bytes: number}[], total: number, wasted_bytes: number}} found */
  #drawDoubles({ groups, total, wasted_bytes: wasted }) {
    if (!total) return fill(this.doubles, state("check", "No duplicates", "Every file that is read so far is there once."));
    fill(
      this.doubles,
      h("p", { class: "lead" }, `${countText(total, "model")} more than once: ${sizeText(wasted)} could be freed`),
      h(
        "ul",
        { class: "plain-list" },
        ...groups.map(({ model, wasted_bytes: bytes }) =>
          this.#row(model, `${sizeText(bytes)} could be freed`, ...(model.places ?? []).map(({ path }) => path)),
        ),
      ),
    );
  }

  /** @param {{models: (Model & {last_used: number | null})[], total: number, size_bytes: number}} found */
  #drawUnused({ models, total, size_bytes: bytes }) {
    if (!total) return fill(this.unused, state("clock", "Nothing unused", "Every model was used, or is new."));
    fill(
      this.unused,
      h("p", { class: "lead" }, `${countText(total, "model")}, ${sizeText(bytes)}`),
      h(
        "ul",
        { class: "plain-list" },
        ...models.map((model) => {
          const used = model.last_used ? `last used ${new Date(model.last_used).toLocaleDateString()}` : "no use is known";
          return this.#row(model, [typeName(model.type), sizeText(model.size_bytes), used].join(" · "));
        }),
      ),
    );
  }

  /**
   * @param {Model} model
   * @param {string} facts
   * @param {...string} paths
   */
  #row(model, facts, ...paths) {
    return h(
      "li",
      { class: "plain-row" },
      h(
        "span",
        { class: "entry-words" },
        h("button", { class: "name-button", type: "button", "data-key": keyOf(model), onclick: () => this.open(keyOf(model)) }, titleOf(model)),
        h("span", { class: "entry-facts" }, facts),
        ...paths.map((path) => h("span", { class: "entry-facts is-whole" }, fileName(path))),
      ),
    );
  }
}
