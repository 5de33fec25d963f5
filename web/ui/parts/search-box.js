/** The search field in the head of a screen: told what is typed after a pause; Esc empties it. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

export class SearchBox {
  /**
   * @param {{placeholder: string, label: string, pause: number, typed: () => void}} about `pause`: ms
   */
  constructor({ placeholder, label, pause, typed }) {
    this.pause = pause;
    this.typed = typed;
    this.field = h("input", {
      class: "field",
      type: "search",
      placeholder,
      "aria-label": label,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#later(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#onKey(event),
    });
    this.element = h(
      "div",
      { class: "search", role: "search" },
      icon("search"),
      this.field,
      h("kbd", { "aria-hidden": "true" }, "/"),
    );
  }

  /** What is typed by now; nothing is told of it any more. */
  take() {
    this.stop();
    return this.field.value.trim();
  }

  stop() {
    clearTimeout(this.timer);
  }

  /** Nobody is told. @param {string} text */
  set(text) {
    this.field.value = text;
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.typed, this.pause);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    if (!this.field.value) return this.field.blur();
    this.field.value = "";
    this.typed();
  }
}
