/** What other programs have left beside the models: shown first, then taken over. */

import { api } from "../data/api.js";
import { h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { sheet } from "../parts/sheet.js";
import { Task } from "../parts/task.js";

/**
 * @typedef {object} Beside
 * @property {number} models
 * @property {number} with_files
 * @property {number} changed
 * @property {number} previews
 * @property {{file: string, reason: string}[]} unreadable
 * @property {{key: string, file: string, fields: string[], preview: string | boolean, reason: string}[]} entries
 */

const SHOWN = 200;

export class BesideSheet {
  /** @param {{jobs: import("../data/jobs.js").Jobs, close: () => void}} acts */
  constructor({ jobs, close }) {
    this.task = new Task(jobs);
    const look = h("button", { class: "button model-submit", type: "button", onclick: () => this.#look() }, "Look");
    const lead = h(
      "p",
      { class: "lead" },
      "Texts and previews that other programs keep beside the models: .civitai.info, .metadata.json, " +
        ".cm-info.json, A1111's .json, pictures. They fill what is empty here; those files stay as they are.",
    );
    const way = { back: "Back to the models", close };
    this.element = sheet("Beside the models", way, [], h("div", { class: "stack" }, lead, look), this.task.element).element;
    this.look = look;
  }

  show() {
    this.element.hidden = false;
    this.task.clear();
    this.look.focus({ preventScroll: true });
  }

  #look() {
    this.task.run({
      doing: "Looking",
      start: () => api.importSidecars(true),
      read: api.libraryReport,
      draw: (report) => {
        const some = report.changed || report.previews;
        const go = h(
          "button",
          { class: "button main", type: "button", disabled: !some, onclick: () => this.#take() },
          some ? "Take over" : "Nothing new to take over",
        );
        return [...told(report, "would learn something"), go];
      },
    });
  }

  #take() {
    return this.task.run({
      doing: "Taking over",
      start: () => api.importSidecars(false),
      read: api.libraryReport,
      draw: (report) => told(report, "learned something"),
    });
  }
}

/**
 * @param {Beside} report
 * @param {string} done
 */
function told({ with_files: found, changed, previews, unreadable, entries }, done) {
  const figures = [`${countText(found, "model")} with such files`, `${changed.toLocaleString("en")} ${done}`, previews && countText(previews, "preview")];
  const rows = entries.slice(0, SHOWN).map(({ file, fields, reason }) =>
    h("li", { class: reason ? "is-bad" : "" }, h("span", { class: "move-from" }, file), h("span", { class: "move-to" }, reason || fields.join(", ").replaceAll("_", " "))),
  );
  const bad = unreadable.slice(0, SHOWN).map(({ file, reason }) =>
    h("li", { class: "is-bad" }, h("span", { class: "move-from" }, file), h("span", { class: "move-to" }, reason)),
  );
  return [h("p", { class: "report-line" }, figures.filter(Boolean).join(" · ")), h("ul", { class: "plain-list move-list" }, ...rows, ...bad)];
}
