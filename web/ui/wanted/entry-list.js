/** The long list: only what is near the window is in the page. */

import { h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { EntryRow } from "./entry-row.js";
import { Layout } from "./layout.js";

/** @typedef {import("./entries.js").Row} Row */

const BEYOND = 400;

export class EntryList {
  /**
   * @param {import("./entry-acts.js").Acts} acts
   * @param {() => void} settings
   */
  constructor(acts, settings) {
    this.acts = acts;
    this.settings = settings;
    /** @type {Row[]} */
    this.rows = [];
    this.layout = new Layout([]);
    /** @type {Map<string, EntryRow | HTMLElement>} */
    this.shown = new Map();
    this.board = h("div", { class: "entries-board", role: "list", "aria-label": "Catalog" });
    this.element = h("div", { class: "entries", tabindex: "-1" }, this.board);
    this.element.addEventListener("scroll", () => this.#ask(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.observer = new ResizeObserver(() => this.#ask());
    this.observer.observe(this.element);
    this.frame = 0;
  }

  destroy() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /**
   * Other rows; what is seen first stays where it is.
   * @param {Row[]} rows
   * @param {boolean} [rewind] show them from the top
   */
  show(rows, rewind = false) {
    const { scrollTop } = this.element;
    const first = this.layout.at(scrollTop);
    const anchor = this.rows[first];
    const into = scrollTop - this.layout.top(first);
    this.rows = rows;
    this.layout = new Layout(rows);
    this.board.style.height = `${this.layout.height}px`;
    if (rewind) this.element.scrollTop = 0;
    else if (anchor && scrollTop > 0) {
      const now = rows.findIndex((row) => row.key === anchor.key);
      if (now >= 0) this.element.scrollTop = this.layout.top(now) + into;
    }
    this.#draw();
  }

  #ask() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = this.layout.at(scrollTop - BEYOND);
    const last = this.layout.at(scrollTop + clientHeight + BEYOND);
    /** @type {Map<string, EntryRow | HTMLElement>} */
    const kept = new Map();
    for (let index = first; index <= last && index < this.rows.length; index += 1) {
      const row = /** @type {Row} */ (this.rows[index]);
      const part = this.shown.get(row.key) ?? this.#make(row);
      kept.set(row.key, part);
      const element = part instanceof EntryRow ? part.element : part;
      if (part instanceof EntryRow && row.kind === "entry") part.show(row.entry);
      else if (row.kind === "head") element.lastChild?.replaceWith(headCount(row.count));
      element.style.transform = `translateY(${this.layout.top(index)}px)`;
      element.setAttribute("aria-posinset", String(index + 1));
      element.setAttribute("aria-setsize", String(this.rows.length));
      if (!element.isConnected) this.#insert(element, index);
    }
    for (const [key, part] of this.shown) {
      if (!kept.has(key)) (part instanceof EntryRow ? part.element : part).remove();
    }
    this.shown = kept;
  }

  /**
   * In the order of the list, for the Tab key and screen readers.
   * @param {HTMLElement} element
   * @param {number} index
   */
  #insert(element, index) {
    element.dataset.index = String(index);
    const after = [...this.board.children].find(
      (other) => Number(other.getAttribute("aria-posinset")) > index + 1,
    );
    this.board.insertBefore(element, after ?? null);
  }

  /** @param {Row} row */
  #make(row) {
    if (row.kind === "entry") return new EntryRow(this.acts, this.settings);
    return h("div", { class: "entries-head", role: "listitem" }, h("h2", {}, row.name), headCount(row.count));
  }

  /** Arrow keys go from row to row, to the same button where there is one. */
  #onKey(/** @type {KeyboardEvent} */ event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = /** @type {Element | null} */ (event.target);
    if (!by || !from?.closest(".entry")) return;
    event.preventDefault();
    const rows = [...this.shown.values()].filter((part) => part instanceof EntryRow);
    const at = rows.findIndex((row) => row.element.contains(from));
    const next = rows[at + by];
    if (!next) return;
    const main = from.classList.contains("entry-more") ? null : next.main.querySelector("button");
    const button = main ?? next.more;
    button.focus({ preventScroll: true });
    next.element.scrollIntoView({ block: "nearest" });
  }
}

/** @param {number} count */
function headCount(count) {
  return h("span", { class: "count", "aria-label": countText(count, "entry", "entries") }, String(count));
}
