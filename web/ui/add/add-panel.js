/** Adding from CivitAI by pasting an address; each one shows how it fares. */

import { api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { readAddress } from "./addresses.js";

/** @typedef {{text: string, open?: string}} Outcome what was done; `open`: the picture to look at */

/**
 * @param {import("./addresses.js").Wanted} wanted
 * @returns {Promise<Outcome>}
 */
async function add(wanted) {
  if (wanted.kind === "image") {
    const item = await api.addImage(wanted.id);
    return { text: "In the gallery", open: String(item.id ?? item.civitai_id ?? wanted.id) };
  }
  if (wanted.kind !== "version") throw new Error("nothing to add");
  const answer = await api.addVersion(wanted.id);
  if (answer.status === "restricted") {
    return { text: `Not offered for download: ${answer.reason ?? "restricted"}` };
  }
  const name = answer.name ?? answer.file ?? "";
  if (answer.status === "already_exists") return { text: `Already in the catalog: ${name}` };
  return { text: `In the catalog: ${name}` };
}

export class AddPanel {
  /** @param {{open: (id: string) => void, close: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    this.field = h("input", {
      class: "field",
      type: "text",
      placeholder: "civitai.com/images/…",
      "aria-label": "Address of a picture or a model on CivitAI",
      autocomplete: "off",
      spellcheck: "false",
      onpaste: (/** @type {ClipboardEvent} */ event) => this.#onPaste(event),
    });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.list = h("ul", { class: "add-list", "aria-live": "polite" });
    this.element = h(
      "section",
      { class: "drawer add", "aria-label": "Add", hidden: true },
      h(
        "form",
        { class: "field-row", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
        this.field,
        h("button", { class: "button main", type: "submit" }, "Add"),
      ),
      this.problem,
      h(
        "p",
        { class: "hint" },
        "A picture or a model version on CivitAI. Pasting anywhere on this panel works too.",
      ),
      this.list,
    );
  }

  focus() {
    this.field.focus();
  }

  /**
   * Add what the text names.
   * @param {string} text
   * @returns {boolean} whether it names something, or says why it can't be added
   */
  take(text) {
    const wanted = readAddress(text);
    this.problem.textContent = "";
    if (!wanted) return false;
    if (wanted.kind === "unknown") {
      this.problem.textContent = wanted.reason;
    } else if (wanted.kind === "model") {
      this.problem.textContent =
        "This address names a model without a version. Choose the version on CivitAI and paste " +
        "that address: it ends with modelVersionId=…";
    } else {
      const row = h("li", { class: "add-row" });
      this.list.prepend(row);
      const label = wanted.kind === "image" ? `Picture ${wanted.id}` : `Model version ${wanted.id}`;
      this.#run(wanted, row, label);
      return true;
    }
    return true;
  }

  /**
   * An address in an empty field needs no further word.
   * @param {ClipboardEvent} event
   */
  #onPaste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const wanted = readAddress(text);
    if (this.field.value || !wanted || wanted.kind === "model" || wanted.kind === "unknown") return;
    event.preventDefault();
    this.take(text);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const said = this.field.value;
    if (!this.take(said)) {
      this.problem.textContent = "That is no address of a picture or a model on CivitAI.";
    } else if (!this.problem.textContent) this.field.value = "";
  }

  /**
   * @param {import("./addresses.js").Wanted} wanted
   * @param {HTMLElement} row
   * @param {string} label
   */
  async #run(wanted, row, label) {
    row.className = "add-row is-running";
    const name = h("span", { class: "add-name" }, label);
    fill(row, h("span", { class: "spinner" }), name, h("span", { class: "add-state" }, "Adding…"));
    try {
      const done = await add(wanted);
      row.className = "add-row is-done";
      const { open } = done;
      fill(
        row,
        icon("check"),
        name,
        h("span", { class: "add-state" }, done.text),
        open !== undefined &&
          h("button", { class: "link", type: "button", onclick: () => this.acts.open(open) }, "Show"),
      );
    } catch (error) {
      row.className = "add-row is-failed";
      fill(
        row,
        icon("warning"),
        name,
        h("span", { class: "add-state" }, words(error)),
        h(
          "button",
          { class: "link", type: "button", onclick: () => this.#run(wanted, row, label) },
          "Retry",
        ),
      );
    }
  }
}
