/** How much room the pictures may take up. */

import { ApiError, api, words } from "../data/api.js";
import { h } from "../parts/dom.js";
import { sizeText } from "../parts/figures.js";

const GB = 1e9;

export class LimitForm {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.bar = h("div", { class: "bar" }, h("span"));
    this.text = h("p", { class: "hint" });
    this.field = h("input", {
      class: "field",
      id: "gallery-limit",
      type: "number",
      min: "0",
      step: "any",
      inputmode: "decimal",
      placeholder: "none",
    });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.element = h(
      "form",
      { class: "labelled limit", onsubmit: (/** @type {Event} */ event) => this.#save(event) },
      h("label", { for: "gallery-limit" }, "Limit in GB"),
      h("div", { class: "field-row" }, this.field, h("button", { class: "button", type: "submit" }, "Set")),
      this.bar,
      this.text,
      this.problem,
    );
  }

  /**
   * @param {number} bytes
   * @param {number} limit bytes; 0: none
   */
  show(bytes, limit) {
    if (!this.field.matches(":focus")) this.field.value = limit ? String(limit / GB) : "";
    this.bar.hidden = !limit;
    this.bar.style.setProperty("--done", String(limit ? Math.min(1, bytes / limit) : 0));
    const over = limit > 0 && bytes >= limit;
    this.bar.classList.toggle("is-over", over);
    if (over) this.text.textContent = "The limit is reached: nothing more is added.";
    else if (limit) this.text.textContent = `${sizeText(limit - bytes)} until nothing more is added.`;
    else this.text.textContent = "Empty: as much as the disk holds.";
  }

  /** @param {Event} event */
  async #save(event) {
    event.preventDefault();
    this.problem.textContent = "";
    try {
      await api.changeSettings({ gallery_limit_gb: this.field.value ? this.field.valueAsNumber : 0 });
      this.field.blur();
      this.changed();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.problem.textContent = words(error);
    }
  }
}
