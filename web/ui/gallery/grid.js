/** Any number of pictures in columns; only those near the eye are in the page. */

import { Board } from "../parts/board.js";
import { takesText, target } from "../parts/dom.js";
import { Card } from "./card.js";
import { Columns } from "./columns.js";
import { Shades } from "./shades.js";
import { countBefore, shape } from "./shapes.js";

/**
 * @typedef {import("../data/api.js").Item} Item
 * @typedef {import("./card.js").CardActs} CardActs
 */

/** @type {Record<string, import("./columns.js").Direction>} */
const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export class Grid {
  /**
   * @param {CardActs} acts
   * @param {{moved: (first: number, last: number) => void}} watcher told which places are in sight
   */
  constructor(acts, watcher) {
    this.acts = acts;
    this.watcher = watcher;
    /** @type {Item[]} */
    this.items = [];
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    /** @type {string | null} the one that the keyboard is at */
    this.current = null;
    /** @type {string | null} the one that stands open */
    this.opened = null;
    this.columns = new Columns(0);
    /** @type {number | undefined} px, without padding and scroll bar */
    this.width = undefined;
    this.grey = false;
    /** Whether the columns begin at different heights. */
    this.uneven = false;
    this.view = new Board("Pictures", "", {
      scrolled: () => this.#scrolled(),
      resized: (width) => this.#resize(width),
      key: (event) => this.#onKey(event),
      focused: (event) => this.#onFocus(event),
    });
    this.element = this.view.element;
    this.board = this.view.board;
    this.shades = new Shades();
    this.element.append(this.shades.element);
    this.total = 0;
  }

  /**
   * Show these, staying where the eye is.
   * @param {Item[]} items
   * @param {{total: number, loading: boolean}} about
   */
  show(items, { total, loading }) {
    const anchor = this.#anchor();
    const known = this.items;
    this.items = items;
    const before = countBefore(known, items);
    const same = before >= 0 && (before === 0 || anchor !== null);
    if (same) {
      if (before) this.columns.prepend(items.slice(0, before).map(shape));
      this.uneven ||= before > 0;
      this.columns.append(items.slice(before + known.length).map(shape));
    } else this.#layOut();
    this.total = total;
    this.grey = loading;
    if (this.current !== null && !items.some((item) => item.id === this.current)) this.current = null;
    this.#measure();
    this.#keep(anchor);
    this.#draw();
  }

  /** Draw the cards anew: something beside their items has changed. */
  update() {
    for (const card of this.cards.values()) card.update(card.item);
  }

  /** Back to the beginning, for another list. */
  rewind() {
    this.current = null;
    this.element.scrollTop = 0;
  }

  /** @param {string | null} id the picture that stands open beside the list */
  mark(id) {
    this.opened = id;
    if (id !== null) this.current = id;
    for (const card of this.cards.values()) this.#setState(card);
  }

  /**
   * Bring a picture into sight and, if asked, the keyboard to it.
   * @param {string | null} id
   * @param {boolean} [focus]
   */
  goTo(id, focus = true) {
    const index = this.items.findIndex((item) => item.id === id);
    const cell = this.columns.cells[index];
    if (!cell) return;
    this.current = id;
    this.view.reveal(cell);
    this.#draw();
    if (focus) this.cards.get(String(id))?.cell.focus({ preventScroll: true });
  }

  /** Put the keyboard where it was, or at the first picture in sight. */
  focus() {
    this.goTo(this.current ?? this.items[this.#inSight()[0] ?? 0]?.id ?? null);
  }

  destroy() {
    this.view.destroy();
  }

  /** @param {number} width */
  #resize(width) {
    if (width !== this.width) {
      const anchor = this.#anchor();
      this.width = width;
      this.#layOut();
      this.#measure();
      this.#keep(anchor);
      if (this.opened) this.goTo(this.opened, false);
    }
    this.#draw();
  }

  #layOut() {
    this.uneven = false;
    this.columns = new Columns(this.width ?? this.view.room);
    this.columns.append(this.items.map(shape));
  }

  #measure() {
    this.view.measure(this.columns.height, this.total);
    this.shades.show(this.grey ? this.columns : null);
  }

  /** The picture nearest to the upper edge, and how far it is from it; null at the very top. */
  #anchor() {
    const { scrollTop } = this.element;
    const off = (/** @type {number} */ index) =>
      Math.abs((this.columns.cells[index]?.y ?? Infinity) - scrollTop);
    const [index] = this.#inSight().sort((a, b) => off(a) - off(b));
    const item = this.items[index ?? -1];
    const cell = this.columns.cells[index ?? -1];
    if (!cell || !item || scrollTop < 8) return null;
    return { id: item.id, offset: cell.y - scrollTop };
  }

  /** @param {{id: string, offset: number} | null} anchor */
  #keep(anchor) {
    if (!anchor) return;
    const cell = this.columns.cells[this.items.findIndex((item) => item.id === anchor.id)];
    if (cell) this.element.scrollTop = cell.y - anchor.offset;
  }

  /** @param {number} [margin] px above and below what is really seen */
  #inSight(margin = 0) {
    return this.columns.visible(...this.view.sight(margin));
  }

  #scrolled() {
    if (this.uneven && this.element.scrollTop < 8) {
      this.#layOut();
      this.#measure();
    }
    this.#draw();
  }

  #draw() {
    const wanted = new Set(this.#inSight(Math.max(400, this.element.clientHeight)));
    // The card with the keyboard stays, or the focus would be lost to nowhere.
    if (this.current !== null) {
      wanted.add(this.items.findIndex((item) => item.id === this.current));
    }
    const keep = new Set([...wanted].map((index) => this.items[index]?.id));
    for (const [id, card] of this.cards) {
      if (keep.has(id)) continue;
      card.element.remove();
      this.cards.delete(id);
    }
    for (const index of wanted) this.#drawCard(index);
    const seen = this.#inSight();
    this.watcher.moved(seen[0] ?? 0, seen[seen.length - 1] ?? -1);
  }

  /** @param {number} index */
  #drawCard(index) {
    const item = this.items[index];
    const cell = this.columns.cells[index];
    if (!item || !cell) return;
    let card = this.cards.get(item.id);
    if (!card) {
      card = new Card(item, this.acts);
      this.cards.set(item.id, card);
      this.board.append(card.element);
    } else if (card.item !== item) card.update(item);
    card.place(cell);
    card.element.setAttribute("aria-rowindex", String(index + 1));
    this.#setState(card, index);
  }

  /**
   * @param {Card} card
   * @param {number} [index]
   */
  #setState(card, index) {
    const at = this.current === null ? index === 0 : card.item.id === this.current;
    card.cell.tabIndex = at ? 0 : -1;
    card.cell.setAttribute("aria-selected", String(card.item.id === this.opened));
  }

  /** @param {FocusEvent} event */
  #onFocus(event) {
    const at = [...this.cards.values()].find((card) => event.composedPath().includes(card.cell));
    if (at) this.current = at.item.id;
    for (const card of this.cards.values()) this.#setState(card);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || takesText(target(event))) return;
    const index = this.items.findIndex((item) => item.id === this.current);
    const item = this.items[index];
    if (!item) return;
    const onCard = target(event) === this.cards.get(item.id)?.cell;
    const direction = ARROWS[event.key];
    if (direction) this.goTo(this.items[this.columns.neighbour(index, direction)]?.id ?? item.id);
    else if (event.key === "Home") this.goTo(this.items[0]?.id ?? null);
    else if (event.key === "End") this.goTo(this.items[this.items.length - 1]?.id ?? null);
    else if (onCard && (event.key === "Enter" || event.key === " ")) this.acts.open(item);
    else if (event.key === "s") this.acts.star(item);
    else return;
    event.preventDefault();
  }
}
