/** Everything that is not a model file: out of here, into here, and kept in backups. */

import { ApiError, api, words } from "../data/api.js";
import { checkbox, labelled } from "../parts/fields.js";
import { h } from "../parts/dom.js";
import { dropZone } from "../parts/drop-zone.js";
import { countText, sizeText } from "../parts/figures.js";
import { sheet } from "../parts/sheet.js";
import { Task } from "../parts/task.js";
import { importFigures } from "./import-report.js";
import { KeptFiles } from "./kept-files.js";

const SHOWN = 20;

export class ExportSheet {
  /**
   * @param {{jobs: import("../data/jobs.js").Jobs, notice: import("../parts/notice.js").Notice,
   *   close: () => void}} acts
   */
  constructor({ jobs, notice, close }) {
    this.out = new Task(jobs);
    this.into = new Task(jobs);
    this.saving = new Task(jobs);
    this.pictures = checkbox("With samples and the gallery's pictures", true);
    const { exports: read, exportFile: address, deleteExport: remove } = api;
    this.exports = new KeptFiles({ notice, none: "", read, address, remove });
    this.backups = new KeptFiles({ notice, none: "None yet.", read: api.backups, address: api.backupFile });
    this.many = this.#number("backups_kept", "How many are kept", 1000);
    this.hours = this.#number("backup_hours", "Hours between two", 10_000);
    this.rhythm = h("div", { class: "rhythm" }, this.many.element, this.hours.element);
    this.problem = h("p", { class: "problem", role: "alert" });
    this.rhythm.append(this.problem);
    const zone = dropZone({ text: "Drop an export here: its models are found by their content.", accept: ".zip", take: ([file]) => file && this.#look(file) });
    const button = (/** @type {string} */ text, /** @type {() => unknown} */ act) =>
      h("button", { class: "button model-submit", type: "button", onclick: act }, text);
    const way = { back: "Back to the models", close };
    const made = sheet(
      "Export, import, backups",
      way,
      [],
      h("div", { class: "stack" }, h("h3", {}, "Export"), h("p", { class: "lead" }, "Records, tags, collections, samples and pictures in one file; no model files."), this.pictures.element, button("Export", () => this.#export()), this.out.element, this.exports.element),
      h("div", { class: "stack" }, h("h3", {}, "Import"), zone.element, this.into.element),
      h("div", { class: "stack" }, h("h3", {}, "Backups"), h("p", { class: "lead" }, "Made automatically, and checked."), this.rhythm, this.backups.element, button("Back up now", () => this.#backUp()), this.saving.element),
    );
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    this.exports.read();
    this.backups.read();
    this.#readSettings();
  }

  /**
   * A setting that is a number.
   * @param {string} name
   * @param {string} label
   * @param {number} most
   */
  #number(name, label, most) {
    const field = h("input", { class: "field", type: "number", min: "0", max: most, onchange: () => this.#set({ [name]: Number(field.value) }) });
    return { name, field, element: labelled(label, field) };
  }

  async #readSettings() {
    try {
      const settings = await api.settings();
      for (const { name, field } of [this.many, this.hours]) field.value = String(settings[name] ?? "");
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** @param {Record<string, number>} change */
  async #set(change) {
    this.problem.textContent = "";
    try {
      await api.changeSettings(change);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.problem.textContent = words(error);
    }
  }

  #export() {
    this.out.run({
      doing: "Exporting",
      start: () => api.exportLibrary(this.pictures.box.checked),
      read: api.libraryReport,
      draw: ({ name, size_bytes: bytes, models }) => {
        this.exports.read();
        return [
          h("p", { class: "report-line" }, `${countText(models, "model")} · ${sizeText(bytes)}`),
          h("a", { class: "button main model-submit", href: api.exportFile(name), download: name }, "Download"),
        ];
      },
    });
  }

  /** @param {File} file */
  #look(file) {
    this.into.run({
      doing: "Looking",
      start: () => api.importLibrary(file, true),
      read: api.libraryReport,
      draw: (report) => [told(report), h("button", { class: "button main", type: "button", onclick: () => this.#import(file) }, "Import")],
    });
  }

  /** @param {File} file */
  #import(file) {
    return this.into.run({
      doing: "Importing",
      start: () => api.importLibrary(file, false),
      read: api.libraryReport,
      draw: (report) => [h("h3", {}, "Imported"), told(report)],
    });
  }

  #backUp() {
    this.saving.run({
      doing: "Backing up",
      start: () => api.backUp(),
      read: api.libraryReport,
      draw: ({ size_bytes: bytes }) => {
        this.backups.read();
        return [h("p", { class: "report-line" }, `Backed up, ${sizeText(bytes)}`)];
      },
    });
  }
}

/** @param {import("./import-report.js").ImportReport} report */
function told(report) {
  const figures = importFigures(report).map(([name, count]) =>
    h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, count.toLocaleString("en"))),
  );
  return h(
    "dl",
    { class: "report figures" },
    ...figures,
    !figures.length && h("p", { class: "hint" }, "Nothing new in it."),
    ...report.problems.slice(0, SHOWN).map(({ file, reason }) => h("p", { class: "problem" }, `${file}: ${reason}`)),
  );
}
