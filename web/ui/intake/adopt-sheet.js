/** Taking over the pictures of ComfyUI Studio: what would come is shown before it does. */

import { api } from "../data/api.js";
import { checkbox } from "../parts/fields.js";
import { h } from "../parts/dom.js";
import { sheet } from "../parts/sheet.js";
import { Task } from "../parts/task.js";
import { adoptionFigures, problemList, reportList } from "./reports.js";

/** @typedef {import("./reports.js").Adoption} Adoption */

export class AdoptSheet {
  /** @param {{jobs: import("../data/jobs.js").Jobs, close: () => void}} acts */
  constructor({ jobs, close }) {
    this.task = new Task(jobs);
    this.field = h("input", {
      class: "field",
      type: "text",
      placeholder: "/path/to/ComfyUI/assets/images",
      "aria-label": "Folder of Studio's pictures on the server",
      autocomplete: "off",
      spellcheck: "false",
      required: true,
    });
    this.copy = checkbox("Copy the files, so that Studio's can be deleted", false);
    this.form = h(
      "form",
      { class: "stack", onsubmit: (/** @type {Event} */ event) => this.#look(event) },
      h(
        "p",
        { class: "lead" },
        "The folder where ComfyUI Studio keeps its pictures: assets/images with gallery.db, or the " +
          "older catalogs/.images. Stars and previews come along; nothing there is moved or changed.",
      ),
      h("div", { class: "field-row" }, this.field, h("button", { class: "button", type: "submit" }, "Look")),
      this.copy.element,
    );
    const way = { back: "Back to the pictures", close };
    this.element = sheet("Adopt a Studio folder", way, [], this.form, this.task.element).element;
  }

  show() {
    this.element.hidden = false;
    this.field.focus({ preventScroll: true });
  }

  /** @param {Event} event */
  #look(event) {
    event.preventDefault();
    const path = this.field.value.trim();
    this.task.run({
      doing: "Looking",
      start: () => api.adopt(path, true, this.copy.box.checked),
      draw: (report) => this.#drawPlan(path, report),
    });
  }

  /**
   * @param {string} path
   * @param {Adoption} report
   */
  #drawPlan(path, report) {
    const text = report.new ? `Adopt ${report.new.toLocaleString("en")}` : "Nothing new to adopt";
    const go = h(
      "button",
      { class: "button main", type: "button", disabled: !report.new, onclick: () => this.#adopt(path) },
      text,
    );
    return [reportList(adoptionFigures(report)), problemList(report), go];
  }

  /** @param {string} path */
  #adopt(path) {
    return this.task.run({
      doing: "Adopting",
      start: () => api.adopt(path, false, this.copy.box.checked),
      draw: (report) => [
        h("h3", {}, "Adopted"),
        reportList(adoptionFigures(report)),
        problemList(report),
      ],
    });
  }
}
