/** Any number of equal cards; only those near the eye are in the page. */

import { keyOf } from "../data/library-calls.js";
import { Board } from "../parts/board.js";
import { takesText, target } from "../parts/dom.js";
import { CardLayout } from "./card-layout.js";
import { ModelCard } from "./model-card.js";

/** @typedef {import("../data/library-calls.js").Model} Model */

const GREY = 12;

export class ModelGrid {
  /**
   * @param {import("./model-card.js").ModelCardActs} acts
   * @param {import("./model-rows.js").ModelRows} rows
   */
  constructor(acts, rows) {
    this.acts = acts;
    this.rows = rows;
    /** @type {Map<number, ModelCard>} */
    this.cards = new Map();
    this.current = 0;
    /** @type {string | null} the one that stands open */
    this.opened = null;
    this.grey = false;
    this.width = 0;
    this.layout = new CardLayout(0, 0);
    this.view = new Board("Models", "model-grid", {
      scrolled: () => this.#draw(),
      resized: (width) => this.#resize(width),
      key: (event) => this.#onKey(event),
      focused: (event) => this.#onFocus(event),
    });
    this.element = this.view.element;
    this.board = this.view.board;
  }

  /**
   * Show the rows as they are now.
   * @param {boolean} grey where nothing is read yet, grey cards stand
   */
  show(grey) {
    this.grey = grey;
    this.#layOut();
    this.#draw(true);
  }

  /** Back to the beginning, for another list. */
  rewind() {
    this.current = 0;
    this.element.scrollTop = 0;
  }

  /** @param {string | null} key of the model that stands open beside the list */
  mark(key) {
    this.opened = key;
    for (const card of this.cards.values()) this.#setState(card);
  }

  /**
   * Bring a place into sight and, if asked, the keyboard to it.
   * @param {number} index
   * @param {boolean} [focus]
   */
  goTo(index, focus = true) {
    if (index < 0 || index >= this.layout.total) return;
    this.current = index;
    this.view.reveal({ y: this.layout.place(index).y, height: this.layout.cardHeight });
    this.#draw();
    if (focus) this.cards.get(index)?.cell.focus({ preventScroll: true });
  }

  /** Put the keyboard where it was, or at the first card in sight. */
  focus() {
    const { first, last } = this.#inSight();
    this.goTo(this.current >= first && this.current <= last ? this.current : first);
  }

  destroy() {
    this.view.destroy();
  }

  /** @param {number} width */
  #resize(width) {
    if (width !== this.width) {
      const { first } = this.#inSight();
      const scrolled = this.element.scrollTop > 8;
      this.width = width;
      this.#layOut();
      const seen = this.opened === null ? first : Math.max(first, this.rows.indexOf(this.opened));
      if (scrolled) this.element.scrollTop = this.layout.place(seen).y;
    }
    this.#draw(true);
  }

  #layOut() {
    const total = this.grey ? Math.max(GREY, this.rows.total) : this.rows.total;
    this.layout = new CardLayout(this.width || this.view.room, total);
    this.view.measure(this.layout.height, total);
    this.current = Math.min(this.current, Math.max(0, total - 1));
  }

  /** @param {number} [margin] px above and below what is really seen */
  #inSight(margin = 0) {
    return this.layout.within(...this.view.sight(margin));
  }

  /**
   * @param {boolean} [anew] also those that stand there already
   */
  #draw(anew = false) {
    // All that is measured comes before all that is written, or each frame is laid out twice.
    const height = this.element.clientHeight;
    if (!height) return;
    const { first, last } = this.#inSight(Math.max(400, height));
    const seen = this.#inSight(height);
    const wanted = new Set([this.current]);
    for (let index = first; index <= last; index += 1) wanted.add(index);
    /** @type {ModelCard[]} */
    const free = [];
    for (const [index, card] of this.cards) {
      if (wanted.has(index) && index < this.layout.total) continue;
      this.cards.delete(index);
      free.push(card);
    }
    for (const index of wanted) {
      if (index < this.layout.total) this.#drawCard(index, free, anew);
    }
    for (const card of free) card.element.remove();
    if (this.rows.total) this.rows.look(seen.first, seen.last);
  }

  /**
   * @param {number} index
   * @param {ModelCard[]} free cards that can be used again
   * @param {boolean} anew
   */
  #drawCard(index, free, anew) {
    const known = this.cards.get(index);
    const model = this.rows.at(index);
    if (known && !anew && known.model === model) return;
    const card = known ?? free.pop() ?? new ModelCard(this.acts);
    this.cards.set(index, card);
    if (!card.element.parentNode) this.board.append(card.element);
    card.show(index, model);
    card.place(this.layout.place(index), this.layout.width, this.layout.cardHeight);
    card.element.setAttribute("aria-rowindex", String(index + 1));
    this.#setState(card);
  }

  /** @param {ModelCard} card */
  #setState(card) {
    card.cell.tabIndex = card.index === this.current ? 0 : -1;
    const open = card.model !== undefined && keyOf(card.model) === this.opened;
    card.cell.setAttribute("aria-selected", String(open));
  }

  /** @param {FocusEvent} event */
  #onFocus(event) {
    const at = [...this.cards.values()].find((card) => event.composedPath().includes(card.cell));
    if (at) this.current = at.index;
    for (const card of this.cards.values()) this.#setState(card);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || takesText(target(event))) return;
    const card = this.cards.get(this.current);
    const onCard = target(event) === card?.cell;
    const { model } = card ?? {};
    if (event.key.startsWith("Arrow")) this.goTo(this.layout.neighbour(this.current, event.key));
    else if (event.key === "Home") this.goTo(0);
    else if (event.key === "End") this.goTo(this.layout.total - 1);
    else if (model && onCard && (event.key === "Enter" || event.key === " ")) this.acts.open(model);
    else if (model && event.key === "f") this.acts.favour(model);
    else if (model && event.key.toLowerCase() === "x") this.acts.select(this.current, event);
    else return;
    event.preventDefault();
  }
}
