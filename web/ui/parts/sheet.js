/** A screen that takes the place of a list until it is closed. */

import { iconButton } from "./buttons.js";
import { h } from "./dom.js";

/**
 * @typedef {object} Sheet
 * @property {HTMLElement} element
 * @property {() => void} show
 * @property {(key: string) => void} [focusOn] the keyboard goes back to what was opened from it
 * @property {Sheet} [parent] the one that "back" leads to, if not the list
 */

/**
 * @param {string} title
 * @param {{back: string, close: () => void}} way where "back" leads, in words
 * @param {import("./dom.js").Child[]} head what stands beside the title
 * @param {...import("./dom.js").Child} body
 */
export function sheet(title, { back, close }, head, ...body) {
  const button = iconButton("back", back, close);
  const element = h(
    "section",
    { class: "sheet", "aria-label": title, hidden: true },
    h("div", { class: "sheet-head" }, button, h("h2", {}, title), ...head),
    h("div", { class: "sheet-body" }, ...body),
  );
  return { element, back: button };
}

/** A list and the sheets that may lie in its place, one at a time. */
export class Sheets {
  /**
   * @param {HTMLElement} list
   * @param {Sheet[]} sheets
   */
  constructor(list, sheets) {
    this.list = list;
    this.sheets = sheets;
  }

  get isOpen() {
    return this.list.hidden;
  }

  /** @param {Sheet} sheet */
  open(sheet) {
    for (const each of this.sheets) each.element.hidden = each !== sheet;
    this.list.hidden = true;
    sheet.show();
  }

  get current() {
    return this.sheets.find(({ element }) => !element.hidden);
  }

  /** To the list. @returns {boolean} whether one was open */
  close() {
    const open = this.current;
    if (!open) return false;
    open.element.hidden = true;
    this.list.hidden = false;
    return true;
  }

  /** One step back: to the parent, or to the list. @returns {boolean} whether one was open */
  back() {
    const parent = this.current?.parent;
    if (!parent) return this.close();
    this.open(parent);
    return true;
  }
}
