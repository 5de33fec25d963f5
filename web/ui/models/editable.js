/** A part of an opened model that is read at first, and edited in its place when asked. */

import { ApiError, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { Conflict } from "./model-record.js";

/**
 * @typedef {import("../parts/dom.js").Child} Child
 * @typedef {import("../data/library-calls.js").ModelChanges} ModelChanges
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 */

/**
 * @typedef {object} Part
 * @property {string} title
 * @property {(model: FullModel) => Child[]} draw
 * @property {(model: FullModel) => {fields: Child[], read: () => ModelChanges}} form may throw
 *   an ApiError in `read` for what cannot be
 * @property {(model: FullModel) => string} theirs what stands there, in words
 * @property {(model: FullModel) => Child[]} [acts] beside the title
 * @property {(model: FullModel) => boolean} [hidden]
 */

export class Editable {
  /**
   * @param {Part} part
   * @param {(changes: ModelChanges) => Promise<void>} save rejects with Conflict when another was faster
   */
  constructor(part, save) {
    this.part = part;
    this.save = save;
    /** @type {FullModel | null} */
    this.model = null;
    this.editing = false;
    this.head = h("header", {});
    this.body = h("div", { class: "model-part" });
    this.element = h("section", { class: "picture-section" }, this.head, this.body);
    this.known = "";
  }

  /**
   * Show this model; what is being typed stays.
   * @param {FullModel} model
   * @param {boolean} other it is another one than before
   */
  show(model, other) {
    this.model = model;
    if (other) this.editing = false;
    // What is the same is left alone: somebody may just be scrolling or dragging in it.
    const known = JSON.stringify(model);
    if (!this.editing && (other || known !== this.known)) this.#draw();
    this.known = known;
  }

  edit() {
    const { model } = this;
    if (!model) return;
    this.editing = true;
    const { fields, read } = this.part.form(model);
    const problem = h("p", { class: "problem", role: "alert" });
    const save = h("button", { class: "button small main", type: "submit" }, "Save");
    const cancel = h("button", { class: "button small", type: "button", onclick: () => this.#end() }, "Cancel");
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      save.disabled = true;
      problem.textContent = "";
      try {
        await this.save(read());
        this.#end();
      } catch (error) {
        problem.textContent = this.#problem(error);
        if (error instanceof Conflict) save.textContent = "Save mine";
      }
      save.disabled = false;
    };
    const onkeydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        event.preventDefault();
        this.#end();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    };
    const form = h(
      "form",
      { class: "model-form", onsubmit: submit, onkeydown },
      ...fields,
      problem,
      h("div", { class: "model-form-acts" }, save, cancel),
    );
    fill(this.head, h("h3", {}, this.part.title));
    fill(this.body, form);
    this.element.hidden = false;
    /** @type {HTMLElement | null} */ (form.querySelector("input, textarea, select"))?.focus();
  }

  /** @param {unknown} error */
  #problem(error) {
    if (error instanceof Conflict && this.model) {
      const theirs = this.part.theirs(this.model);
      return `It was changed elsewhere meanwhile${theirs ? `, to: ${theirs}` : " and is empty now"}. Yours is not saved yet.`;
    }
    if (!(error instanceof ApiError)) console.error(error);
    return words(error);
  }

  #end() {
    this.editing = false;
    this.#draw();
    this.head.querySelector("button")?.focus({ preventScroll: true });
  }

  #draw() {
    const { model, part } = this;
    if (!model) return;
    const title = part.title.toLowerCase();
    const edit = h(
      "button",
      { class: "link", type: "button", "aria-label": `Edit ${title}`, onclick: () => this.edit() },
      icon("pencil"),
      "edit",
    );
    const focused = this.head.matches(":focus-within");
    fill(this.head, h("h3", {}, part.title), h("span", { class: "model-part-acts" }, ...(part.acts?.(model) ?? []), edit));
    fill(this.body, ...part.draw(model));
    this.element.hidden = part.hidden?.(model) ?? false;
    if (focused) edit.focus({ preventScroll: true });
  }
}
