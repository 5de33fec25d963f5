/** Moving selected files by a rule: what would happen is shown first, and can be taken back. */

import { ApiError, api } from "../data/api.js";
import { fileName, fill, h } from "../parts/dom.js";
import { labelled } from "../parts/fields.js";
import { countText } from "../parts/figures.js";
import { sheet } from "../parts/sheet.js";
import { state } from "../parts/states.js";
import { Task } from "../parts/task.js";
import { keyOf } from "../data/library-calls.js";

/**
 * @typedef {import("../data/library-calls.js").Model} Model
 * @typedef {object} Moved
 * @property {string} move
 * @property {number} moved
 * @property {number} unchanged
 * @property {number} skipped
 * @property {{file: string, to: string, reason: string}[]} entries
 */

const RULES = ["{base_model}", "{base_model}/{kind}", "{creator}/{base_model}", "{tag}", "{folder}/{name}"];
const SHOWN = 200;

export class MoveSheet {
  /** @param {{jobs: import("../data/jobs.js").Jobs, close: () => void}} acts */
  constructor({ jobs, close }) {
    /** @type {Model[]} */
    this.models = [];
    this.task = new Task(jobs);
    this.lead = h("p", { class: "lead" });
    this.rule = h("input", { class: "field", type: "text", value: RULES[0], required: true, autocomplete: "off", spellcheck: "false" });
    const rules = RULES.map((rule) =>
      h("button", { class: "chip", type: "button", onclick: () => this.#take(rule) }, h("span", {}, rule)),
    );
    const hint = h("p", { class: "hint" }, "Folders below the root, from {base_model} {type} {kind} {name} {file} {folder} {creator} {version} {tag} {letter}. With {name} or {file} at the end, files are renamed too.");
    this.form = h(
      "form",
      { class: "stack", onsubmit: (/** @type {Event} */ event) => this.#look(event) },
      this.lead,
      labelled("Rule", this.rule, hint),
      h("div", { class: "model-chips-row" }, ...rules),
      h("button", { class: "button model-submit", type: "submit" }, "Show what would happen"),
    );
    this.history = h("ul", { class: "plain-list" });
    this.past = h("div", { class: "stack move-past" }, h("h3", {}, "Moves until now"), this.history);
    const way = { back: "Back to the models", close };
    const made = sheet("Move files", way, [], this.form, this.task.element, this.past);
    this.element = made.element;
    this.back = made.back;
  }

  /** @param {Model[]} models */
  choose(models) {
    this.models = models;
  }

  show() {
    this.element.hidden = false;
    this.form.hidden = !this.models.length;
    this.lead.textContent = `${countText(this.models.length, "model")} selected. Nothing is moved before you have seen where to.`;
    this.task.clear();
    (this.models.length ? this.rule : this.back).focus({ preventScroll: true });
    this.#readPast();
  }

  /** @param {string} rule */
  #take(rule) {
    this.rule.value = rule;
    this.rule.focus();
  }

  /** @param {boolean} dry */
  #start(dry) {
    return () => api.moveModels({ rule: this.rule.value.trim(), keys: this.models.map(keyOf), dry_run: dry });
  }

  /** @param {Event} event */
  #look(event) {
    event.preventDefault();
    const draw = (/** @type {Moved} */ report) => {
      const go = h(
        "button",
        { class: "button main", type: "button", disabled: !report.moved, onclick: () => this.#move() },
        report.moved ? `Move ${countText(report.moved, "file")}` : "Nothing to move",
      );
      return [figures(report, "would be moved"), list(report), go];
    };
    this.task.run({ doing: "Looking", start: this.#start(true), read: api.libraryReport, draw });
  }

  #move() {
    const draw = (/** @type {Moved} */ report) => {
      const undo = report.move
        ? h("button", { class: "button small", type: "button", onclick: () => this.#undo(report.move) }, "Undo")
        : null;
      this.#readPast();
      return [figures(report, "moved"), list(report), undo];
    };
    return this.task.run({ doing: "Moving", start: this.#start(false), read: api.libraryReport, draw });
  }

  /** @param {string} id */
  #undo(id) {
    const draw = (/** @type {Moved} */ report) => {
      this.#readPast();
      return [figures(report, "moved back"), list(report)];
    };
    return this.task.run({ doing: "Moving back", start: () => api.undoMove(id), read: api.libraryReport, draw });
  }

  async #readPast() {
    try {
      const moves = await api.moves();
      const none = !moves.length && !this.models.length;
      fill(
        this.history,
        none && state("folder", "No moves yet", "Select models in the list and choose Move."),
        ...moves.map((move) => this.#row(move)),
      );
      this.past.hidden = !moves.length && !none;
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.past.hidden = true;
    }
  }

  /** @param {{id: string, rule: string, created: number, moved: number, undone: boolean}} move */
  #row({ id, rule, created, moved, undone }) {
    const when = new Date(created).toLocaleString();
    return h(
      "li",
      { class: "plain-row" },
      h("span", { class: "entry-words" }, rule, h("span", { class: "entry-facts" }, `${countText(moved, "file")} · ${when}`)),
      undone
        ? h("span", { class: "count" }, "taken back")
        : h("button", { class: "button small", type: "button", "aria-label": `Undo ${rule}`, onclick: () => this.#undo(id) }, "Undo"),
    );
  }
}

/**
 * @param {Moved} report
 * @param {string} done
 */
function figures({ moved, unchanged, skipped }, done) {
  const parts = [`${countText(moved, "file")} ${done}`, unchanged && `${unchanged} right already`, skipped && `${skipped} cannot be`];
  return h("p", { class: "report-line" }, parts.filter(Boolean).join(" · "));
}

/** @param {Moved} report */
function list({ entries }) {
  if (!entries.length) return null;
  return h(
    "ul",
    { class: "plain-list move-list" },
    ...entries.slice(0, SHOWN).map(({ file, to, reason }) =>
      h(
        "li",
        { class: reason ? "is-bad" : "" },
        h("span", { class: "move-from" }, fileName(file)),
        h("span", { class: "move-to" }, reason || fileName(`→\u00a0${to}`)),
      ),
    ),
    entries.length > SHOWN && h("li", { class: "hint" }, `and ${(entries.length - SHOWN).toLocaleString("en")} more`),
  );
}
