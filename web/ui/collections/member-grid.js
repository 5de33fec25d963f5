/** The members of a collection as cards, put in order by dragging or by the keyboard. */

import { h, refill, takesText, target } from "../parts/dom.js";
import { openMenu } from "../parts/menu.js";
import { MemberCard, memberName } from "./member-card.js";
import { nameOf } from "./members.js";

/**
 * @typedef {import("../data/collection-calls.js").Member} Member
 * @typedef {Omit<import("./member-card.js").MemberActs, "more"> & {
 *   move: (member: Member, to: number) => Promise<unknown>,
 *   remove: (member: Member) => Promise<unknown>}} GridActs
 */

const GREY = 8;
const TYPE = "application/x-curator-member";

export class MemberGrid {
  /**
   * @param {import("./members.js").Members} members
   * @param {GridActs} acts
   */
  constructor(members, acts) {
    this.members = members;
    this.acts = acts;
    /** @type {Map<string, MemberCard>} by name */
    this.cards = new Map();
    this.current = 0;
    /** The name of the one that stands open beside them. */
    this.opened = "";
    /** @type {Member | null} the one that is being dragged */
    this.dragged = null;
    this.said = h("div", { class: "off-screen", role: "status" });
    this.hint = h("p", { class: "hint member-hint" }, "Drag cards to reorder them, or press Shift and an arrow key.");
    this.board = h("div", { class: "member-grid", role: "list", "aria-label": "In this collection" });
    this.element = h("div", {}, this.board, this.hint, this.said);
    this.board.addEventListener("keydown", (event) => this.#onKey(event));
    this.board.addEventListener("focusin", (event) => this.#onFocus(event));
    this.board.addEventListener("dragstart", (event) => this.#onDragStart(event));
    this.board.addEventListener("dragover", (event) => this.#onDragOver(event));
    this.board.addEventListener("drop", (event) => this.#onDrop(event));
    this.board.addEventListener("dragend", () => this.#endDrag());
  }

  /** Show the members as they are now; cards that stay keep the keyboard. */
  show() {
    const { items } = this.members;
    const held = this.board.matches(":focus-within");
    /** @type {Map<string, MemberCard>} */
    const cards = new Map();
    for (const item of items) {
      const name = nameOf(item);
      const known = this.cards.get(name);
      known?.show(item);
      cards.set(name, known ?? new MemberCard(item, { ...this.acts, more: this.#more }));
    }
    this.cards = cards;
    this.current = Math.max(0, Math.min(this.current, items.length - 1));
    refill(
      this.board,
      [...this.cards.values()].map(({ element }) => element),
    );
    this.hint.hidden = items.length < 2;
    this.#mark();
    // The card that had the keyboard may be gone.
    if (held && !this.board.matches(":focus-within")) this.focus(this.current);
  }

  clear() {
    this.cards.clear();
    this.current = 0;
    this.hint.hidden = true;
    this.board.replaceChildren();
  }

  showGrey() {
    this.clear();
    this.board.append(...Array.from({ length: GREY }, () => h("span", { class: "member-grey" })));
  }

  /**
   * Bring the keyboard to a place.
   * @param {number} index
   */
  focus(index) {
    const card = this.#at(index);
    if (!card) return;
    this.current = index;
    this.#mark();
    card.element.focus();
  }

  /** @param {Member | null} member that stands open beside them */
  mark(member) {
    this.opened = member ? nameOf(member) : "";
    this.#mark();
  }

  #more = (/** @type {Member} */ member, /** @type {Element} */ anchor) => {
    const { total } = this.members;
    const at = this.members.indexOf(member);
    // While the menu stands open, others may move it.
    const by = (/** @type {number} */ step) => () => this.#move(member, this.members.indexOf(member) + step);
    const main = this.acts.main(member);
    openMenu(anchor, [
      ...(main ? [{ text: main.text, act: main.run }] : []),
      ...(member.model || member.picture ? [{ text: "Open", act: () => this.acts.open(member) }] : []),
      ...(at > 0 ? [{ text: "Move to the start", act: () => this.#move(member, 0) }, { text: "Move earlier", act: by(-1) }] : []),
      ...(at < total - 1 ? [{ text: "Move later", act: by(1) }] : []),
      { text: "Remove from the collection", act: () => this.#remove(member) },
    ]);
  };

  /** @param {number} index */
  #at(index) {
    const item = this.members.items[index];
    return item && this.cards.get(nameOf(item));
  }

  #mark() {
    let index = 0;
    for (const { element, member } of this.cards.values()) {
      element.tabIndex = index === this.current ? 0 : -1;
      element.classList.toggle("is-chosen", nameOf(member) === this.opened);
      index += 1;
    }
  }

  /**
   * @param {Member} member
   * @param {number} to
   */
  async #move(member, to) {
    const from = this.members.indexOf(member);
    const moved = this.acts.move(member, Math.max(0, to));
    this.#tellPlace(member);
    // Where more has to be read first, it comes to its place only then.
    const waits = this.members.indexOf(member) === from;
    await moved;
    if (waits && this.board.matches(":focus-within")) this.#tellPlace(member);
  }

  /** @param {Member} member */
  #tellPlace(member) {
    const at = this.members.indexOf(member);
    this.focus(at);
    if (at >= 0) this.said.textContent = `${memberName(member)}: ${at + 1} of ${this.members.total}`;
  }

  /** @param {Member} member */
  async #remove(member) {
    const index = this.members.indexOf(member);
    const removed = this.acts.remove(member);
    this.focus(Math.min(index, this.members.items.length - 1));
    await removed;
  }

  /** @param {FocusEvent} event */
  #onFocus(event) {
    const index = this.#indexOf(event);
    if (index < 0 || index === this.current) return;
    this.current = index;
    this.#mark();
  }

  /** How many stand beside each other. */
  get #columns() {
    return Math.max(1, getComputedStyle(this.board).gridTemplateColumns.split(" ").length);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || takesText(target(event))) return;
    const { items } = this.members;
    const { current } = this;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.#columns, ArrowDown: this.#columns }[event.key];
    const onCard = target(event) === this.#at(current)?.element;
    const item = items[current];
    if (item && by && event.shiftKey) this.#move(item, current + by);
    else if (by) this.focus(Math.max(0, Math.min(items.length - 1, current + by)));
    else if (event.key === "Home") this.focus(0);
    else if (event.key === "End") this.focus(items.length - 1);
    else if (item && onCard && (event.key === "Enter" || event.key === " ")) this.acts.open(item);
    else if (item && onCard && event.key === "Delete") this.#remove(item);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The card that an event is at. @param {Event} event */
  #indexOf(event) {
    const path = event.composedPath();
    return [...this.cards.values()].findIndex(({ element }) => path.includes(element));
  }

  /** @param {DragEvent} event */
  #onDragStart(event) {
    const index = this.#indexOf(event);
    const item = this.members.items[index];
    if (!item || !event.dataTransfer) return;
    this.dragged = item;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData(TYPE, nameOf(item));
    this.#at(index)?.element.classList.add("is-dragged");
  }

  /**
   * Where it would come to stand, marked by a line; null where it is not ours or already there.
   * @param {DragEvent} event
   */
  #placeOf(event) {
    const index = this.#indexOf(event);
    const card = this.#at(index)?.element;
    if (!this.dragged || !card) return null;
    const from = this.members.indexOf(this.dragged);
    const { left, width } = card.getBoundingClientRect();
    const after = event.clientX > left + width / 2;
    const to = index + Number(after) - Number(from < index + Number(after));
    return { card, after, from, to };
  }

  /** @param {DragEvent} event */
  #onDragOver(event) {
    if (this.dragged === null) return;
    event.preventDefault();
    event.stopPropagation();
    const place = this.#placeOf(event);
    this.#unmark();
    if (place && place.to !== place.from) place.card.classList.add(place.after ? "is-after" : "is-before");
  }

  /** @param {DragEvent} event */
  #onDrop(event) {
    if (this.dragged === null) return;
    event.preventDefault();
    event.stopPropagation();
    const place = this.#placeOf(event);
    if (place) this.#move(this.dragged, place.to);
    this.#endDrag();
  }

  #endDrag() {
    this.dragged = null;
    this.#unmark();
    for (const { element } of this.cards.values()) element.classList.remove("is-dragged");
  }

  #unmark() {
    for (const { element } of this.cards.values()) element.classList.remove("is-before", "is-after");
  }
}
