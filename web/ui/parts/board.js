/** A board of cards that is scrolled, and so long that only those near the eye are in the page. */

import { h } from "./dom.js";

/**
 * @typedef {object} BoardActs
 * @property {() => void} scrolled at most once a frame
 * @property {(width: number) => void} resized its width or its height is another
 * @property {(event: KeyboardEvent) => void} key
 * @property {(event: FocusEvent) => void} focused
 */

const EDGE = 8;

export class Board {
  /**
   * @param {string} label
   * @param {string} kind further classes
   * @param {BoardActs} acts
   */
  constructor(label, kind, acts) {
    this.acts = acts;
    /** @type {number | undefined} */
    this.frame = undefined;
    this.board = h("div", { class: "grid-board", role: "grid", "aria-label": label });
    this.element = h("div", { class: `grid ${kind}`, onscroll: () => this.#soon() }, this.board);
    this.board.addEventListener("keydown", acts.key);
    this.board.addEventListener("focusin", acts.focused);
    this.watch = new ResizeObserver(() => {
      const width = this.room;
      if (width > 0) acts.resized(width);
    });
    // Not its content: the padding is ours to change while we look.
    this.watch.observe(this.element, { box: "border-box" });
  }

  /** Width for the columns: without padding and scroll bar, which lies within the padding. */
  get room() {
    const bar = this.element.offsetWidth - this.element.clientWidth;
    this.element.style.paddingRight = `max(0px, var(--pad) - ${bar}px)`;
    const style = getComputedStyle(this.element);
    return this.element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  }

  /**
   * The stretch of the board that is seen.
   * @param {number} [margin] px above and below it
   * @returns {[top: number, bottom: number]}
   */
  sight(margin = 0) {
    const top = this.element.scrollTop - this.board.offsetTop;
    return [top - margin, top + this.element.clientHeight + margin];
  }

  /**
   * Scroll no farther than it takes to see a card whole.
   * @param {{y: number, height: number}} card
   */
  reveal({ y, height }) {
    const top = this.board.offsetTop + y;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop + EDGE) this.element.scrollTop = top - EDGE;
    else if (top + height > scrollTop + clientHeight - EDGE) {
      this.element.scrollTop = Math.min(top - EDGE, top + height - clientHeight + EDGE);
    }
  }

  /**
   * @param {number} height px
   * @param {number} count of cards in all
   */
  measure(height, count) {
    this.board.style.height = `${height}px`;
    this.board.setAttribute("aria-rowcount", String(count));
  }

  destroy() {
    this.watch.disconnect();
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }

  #soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.acts.scrolled();
    });
  }
}
