/** Adding by pasting an address: pictures at once, models after a look at what they will be. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { isOtherFile, isPlain } from "../uploads/files.js";
import { readTyped } from "./addresses.js";
import { proposal } from "./proposal.js";

/**
 * @typedef {object} Outcome
 * @property {string} text what was done
 * @property {string} [open] the picture to look at
 * @property {string} [find] the file to look at in the catalog
 */

/**
 * @typedef {object} AddActs
 * @property {(id: string) => void} open
 * @property {(file: string) => void} find
 * @property {() => void} close
 * @property {() => void} changed the catalog is another one
 * @property {import("../uploads/upload-form.js").UploadForm} uploads
 */

/** @param {string} id */
async function addImage(id) {
  const item = await api.addImage(id);
  return { text: "In the gallery", open: String(item.id ?? item.civitai_id ?? id) };
}

export class AddPanel {
  /** @param {AddActs} acts */
  constructor(acts) {
    this.acts = acts;
    this.field = h("input", {
      class: "field",
      type: "text",
      placeholder: "https://civitai.com/…",
      "aria-label": "Address of a picture or a model",
      autocomplete: "off",
      spellcheck: "false",
      onpaste: (/** @type {ClipboardEvent} */ event) => this.#onPaste(event),
    });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.place = h("div", {});
    /** Counts what was looked up, so that only the last one is shown. */
    this.looked = 0;
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
        "A picture or a model on CivitAI, a model on Hugging Face, or the address of a file. " +
          "Pasting anywhere on this panel works too.",
      ),
      this.place,
      this.list,
      acts.uploads.element,
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
    const wanted = readTyped(text);
    this.problem.textContent = "";
    if (!wanted) return false;
    if (wanted.kind === "unknown") {
      this.problem.textContent = wanted.reason;
    } else if (wanted.kind === "model" && isOtherFile(wanted.address)) {
      this.acts.uploads.offerAddress(wanted.address);
    } else if (wanted.kind === "model") {
      this.#look(wanted.address);
    } else {
      this.#add(() => addImage(wanted.id), `Picture ${wanted.id}`);
    }
    return true;
  }

  /**
   * An address in an empty field needs no further word.
   * @param {ClipboardEvent} event
   */
  #onPaste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const wanted = readTyped(text);
    if (this.field.value || !wanted || wanted.kind === "unknown") return;
    event.preventDefault();
    this.take(text);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const said = this.field.value;
    if (!this.take(said)) {
      this.problem.textContent = "That is no address of a picture or a model.";
    } else if (!this.problem.textContent) this.field.value = "";
  }

  /**
   * Ask what an address will be, and show it.
   * @param {string} address
   */
  async #look(address) {
    this.looked += 1;
    const mine = this.looked;
    const show = (/** @type {Element[]} */ ...shown) => {
      if (mine === this.looked) fill(this.place, ...shown);
    };
    const dismiss = () => {
      show();
      this.focus();
    };
    show(
      h(
        "div",
        { class: "add-row is-running" },
        h("span", { class: "spinner" }),
        h("span", { class: "add-name" }, address),
        h("span", { class: "add-state" }, "Looking it up…"),
      ),
    );
    try {
      const resolved = await api.resolve(address);
      const take = (
        /** @type {import("./proposal.js").Picked} */ picked,
        /** @type {import("./proposal.js").Choice} */ choice,
        /** @type {boolean} */ get,
      ) => {
        dismiss();
        this.#add(() => this.#addModel(picked, choice, get), choice.name);
      };
      const sort = () => {
        dismiss();
        this.acts.uploads.fetchModel(resolved.choices[0]?.file ?? address, address);
      };
      show(proposal(address, resolved, take, dismiss, sort));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      show(
        h(
          "div",
          { class: "add-row is-failed", role: "alert" },
          icon("warning"),
          h("span", { class: "add-name" }, address),
          h("span", { class: "add-state" }, words(error), ...this.#otherWay(address, show)),
          h("button", { class: "link", type: "button", onclick: () => this.#look(address) }, "Retry"),
        ),
      );
    }
  }

  /**
   * What no catalog can keep may still be a file that somebody wants.
   * @param {string} address
   * @param {() => void} done
   */
  #otherWay(address, done) {
    if (!isPlain(address)) return [];
    const act = () => {
      done();
      this.acts.uploads.offerAddress(address);
    };
    return [" ", h("button", { class: "link", type: "button", onclick: act }, "Get it as a file …")];
  }

  /**
   * @param {import("./proposal.js").Picked} picked
   * @param {import("./proposal.js").Choice} choice
   * @param {boolean} get
   * @returns {Promise<Outcome>}
   */
  async #addModel(picked, choice, get) {
    const added = await api.addModel(picked);
    if (added.status === "restricted") {
      return { text: `Not offered for download: ${added.reason ?? "restricted"}` };
    }
    const file = added.file ?? choice.file;
    this.acts.changed();
    // Where an entry lies that was known before, only the catalog knows.
    if (get) await api.transfer(file, added.dest, "");
    const text = added.status === "added" ? "In the catalog" : "Already in the catalog";
    return { text: get ? `${text}, and on its way` : text, find: file };
  }

  /**
   * @param {() => Promise<Outcome>} work
   * @param {string} label
   */
  #add(work, label) {
    const row = h("li", { class: "add-row" });
    this.list.prepend(row);
    return this.#run(work, row, label);
  }

  /**
   * @param {() => Promise<Outcome>} work
   * @param {HTMLElement} row
   * @param {string} label
   */
  async #run(work, row, label) {
    row.className = "add-row is-running";
    const name = h("span", { class: "add-name" }, label);
    fill(row, h("span", { class: "spinner" }), name, h("span", { class: "add-state" }, "Adding…"));
    try {
      const done = await work();
      row.className = "add-row is-done";
      const { open, find } = done;
      const show = () => (open !== undefined ? this.acts.open(open) : this.acts.find(find ?? ""));
      fill(
        row,
        icon("check"),
        name,
        h("span", { class: "add-state" }, done.text),
        (open ?? find) !== undefined &&
          h("button", { class: "link", type: "button", onclick: show }, "Show"),
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
          { class: "link", type: "button", onclick: () => this.#run(work, row, label) },
          "Retry",
        ),
      );
    }
  }
}
