/** The row of tabs, and which screen stands below it. */

import { h } from "../parts/dom.js";

/** @typedef {import("./screen.js").Screen} Screen */

const KEPT = "curator.tab";

export class Tabs {
  /**
   * @param {Screen[]} screens in the order of their tabs
   * @param {Screen} first shown until another was chosen
   */
  constructor(screens, first) {
    this.screens = screens;
    this.buttons = screens.map((screen) => this.#button(screen));
    const onkeydown = (/** @type {KeyboardEvent} */ event) => this.#onKey(event);
    this.element = h(
      "nav",
      { class: "tabs", role: "tablist", "aria-label": "Screens", onkeydown },
      ...this.buttons,
    );
    const kept = localStorage.getItem(KEPT);
    this.screen = screens.find(({ name }) => name === kept) ?? first;
    this.choose(this.screen);
  }

  /** @param {Screen} screen */
  choose(screen) {
    this.screen = screen;
    localStorage.setItem(KEPT, screen.name);
    for (const [index, each] of this.screens.entries()) {
      const chosen = each === screen;
      const button = /** @type {HTMLButtonElement} */ (this.buttons[index]);
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      each.element.hidden = !chosen;
      each.search.hidden = !chosen;
    }
    screen.shown();
  }

  /** Bring the keyboard to the tab that is chosen. */
  focus() {
    this.buttons[this.screens.indexOf(this.screen)]?.focus();
  }

  /** @param {Screen} screen */
  #button(screen) {
    const props = {
      class: "tab",
      role: "tab",
      type: "button",
      "aria-controls": screen.element.id,
      onclick: () => this.choose(screen),
    };
    return h("button", props, screen.title, screen.count);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const index = this.screens.indexOf(this.screen) + by;
    const next = this.screens.at(index % this.screens.length);
    if (next) this.choose(next);
    this.focus();
  }
}
