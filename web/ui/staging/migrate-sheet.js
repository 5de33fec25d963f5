/** Taking over the database of an older model manager, and what came of it. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { labelled } from "../parts/fields.js";
import { icon } from "../parts/icons.js";
import { sheet } from "../parts/sheet.js";

/**
 * @typedef {object} Migrated
 * @property {string} status
 * @property {{migrated: number, pending: number, errors: number, images_processed: number, image_errors: number}} db_migration
 */

export class MigrateSheet {
  /** @param {{close: () => void}} acts */
  constructor({ close }) {
    this.path = field("/path/to/models.db");
    this.images = field("/path/to/images");
    this.go = h("button", { class: "button main model-submit", type: "submit" }, "Take over");
    this.report = h("div", { class: "task", "aria-live": "polite" });
    this.path.required = true;
    const form = h(
      "form",
      { class: "stack", onsubmit: (/** @type {Event} */ event) => this.#run(event) },
      h("p", { class: "lead" }, "An older database is only read. What it knows of files that are here joins them; the rest waits in staging. Taken over again, it changes nothing that you have changed since."),
      labelled("Database on the server", this.path),
      labelled("Its pictures, if they lie elsewhere", this.images),
      this.go,
    );
    const way = { back: "Back to the models", close };
    this.element = sheet("Older database", way, [], form, this.report).element;
  }

  show() {
    this.element.hidden = false;
    this.path.focus({ preventScroll: true });
  }

  /** @param {Event} event */
  async #run(event) {
    event.preventDefault();
    this.go.disabled = true;
    fill(this.report, h("div", { class: "task-line" }, h("span", { class: "spinner" }), h("span", { class: "task-text" }, "Taking over …")));
    try {
      this.#draw(await api.migrate(this.path.value.trim(), this.images.value.trim()));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      fill(this.report, h("p", { class: "problem task-problem", role: "alert" }, icon("warning"), h("span", {}, words(error))));
    }
    this.go.disabled = false;
  }

  /** @param {Migrated} report */
  #draw({ db_migration: told }) {
    /** @type {[string, number][]} */
    const rows = [
      ["Joined to files that are here", told.migrated],
      ["Waiting in staging", told.pending],
      ["Could not be read", told.errors],
      ["Pictures", told.images_processed],
      ["Pictures that failed", told.image_errors],
    ];
    if (!rows.some(([, count]) => count)) {
      fill(this.report, h("p", {}, "Nothing new: everything in it was taken over before."));
      return;
    }
    fill(
      this.report,
      h("h3", {}, told.errors || told.image_errors ? "Taken over, with losses" : "Taken over"),
      h("dl", { class: "report figures" }, ...rows.filter(([, count], index) => count || index < 2).map(([name, count]) => h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, count.toLocaleString("en"))))),
    );
  }
}

/** @param {string} placeholder */
const field = (placeholder) =>
  h("input", { class: "field", type: "text", placeholder, autocomplete: "off", spellcheck: "false" });
