/** What to fetch for a model, before it begins. */

import { checkbox, labelled, select } from "../parts/fields.js";
import { h } from "../parts/dom.js";
import { MOST, readChoice } from "./run-facts.js";

/** @typedef {import("./run-facts.js").RunChoice} RunChoice */

const KEPT = "curator.run";

const FROM = /** @type {const} */ ([
  ["all", "Everybody's"],
  ["cards", "Author's only"],
]);
const TYPES = /** @type {const} */ ([
  ["", "All"],
  ["image", "Pictures"],
  ["video", "Videos"],
]);
const LEVELS = /** @type {const} */ ([
  ["None", "PG only"],
  ["Soft", "Up to PG-13"],
  ["Mature", "Up to R"],
  ["X", "All"],
]);
const SORTS = ["Newest", "Most Reactions", "Most Comments", "Most Collected", "Oldest"];
const PERIODS = /** @type {const} */ ([
  ["AllTime", "Ever"],
  ["Year", "Year"],
  ["Month", "Month"],
  ["Week", "Week"],
  ["Day", "Day"],
]);

export class RunForm {
  /** @param {{start: (choice: RunChoice) => void, cancel: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    const kept = readChoice(localStorage.getItem(KEPT));
    this.count = h("input", {
      class: "field",
      type: "number",
      min: "1",
      max: String(MOST),
      value: String(kept.count),
      required: true,
      inputmode: "numeric",
    });
    this.from = select(kept.from, FROM, () => this.#adapt());
    this.type = select(kept.type, TYPES);
    this.nsfw = select(kept.nsfw, LEVELS);
    this.sort = select(
      kept.sort,
      SORTS.map((each) => /** @type {const} */ ([each, each])),
    );
    this.period = select(kept.period, PERIODS);
    this.withMeta = checkbox("Only with its prompt", kept.withMeta);
    this.fromPlatform = checkbox("Only made on CivitAI", kept.fromPlatform);
    this.community = [
      labelled("How many", this.count),
      labelled("Kinds", this.type),
      labelled("Level", this.nsfw),
      labelled("Sort", this.sort),
      labelled("Time", this.period),
      h("div", { class: "run-checks" }, this.withMeta.element, this.fromPlatform.element),
    ];
    this.hint = h("p", { class: "hint" });
    this.element = h(
      "form",
      {
        class: "run-form",
        "aria-label": "Pictures to get",
        hidden: true,
        onsubmit: (/** @type {Event} */ event) => this.#submit(event),
      },
      h("div", { class: "run-fields" }, labelled("Whose", this.from), ...this.community),
      this.hint,
      h(
        "div",
        { class: "field-row" },
        h("button", { class: "button main wide", type: "submit" }, "Get them"),
        h("button", { class: "button", type: "button", onclick: acts.cancel }, "Cancel"),
      ),
    );
    this.#adapt();
  }

  /** @param {string} version the only one that is wanted; empty: all */
  show(version) {
    this.element.hidden = false;
    this.hint.textContent = version
      ? `Only of ${version}. What is here already is not fetched again.`
      : "What is here already is not fetched again.";
    this.from.focus();
  }

  #adapt() {
    const cards = this.from.value === "cards";
    for (const each of this.community) each.hidden = cards;
    // A field that is not seen must not hold up the form.
    this.count.disabled = cards;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const choice = readChoice(
      JSON.stringify({
        count: this.count.valueAsNumber,
        from: this.from.value,
        type: this.type.value,
        nsfw: this.nsfw.value,
        sort: this.sort.value,
        period: this.period.value,
        withMeta: this.withMeta.box.checked,
        fromPlatform: this.fromPlatform.box.checked,
      }),
    );
    localStorage.setItem(KEPT, JSON.stringify(choice));
    this.acts.start(choice);
  }
}
