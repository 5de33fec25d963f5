/** Where equal cards stand: 3:4, in as many columns as fit. */

export const GAP = 8;
const TARGET = 168;

export class CardLayout {
  /**
   * @param {number} width px
   * @param {number} total
   */
  constructor(width, total) {
    this.total = total;
    this.columns = width < 160 ? 1 : Math.max(2, Math.floor((width + GAP) / (TARGET + GAP)));
    this.width = Math.max(1, Math.floor((width - GAP * (this.columns - 1)) / this.columns));
    this.cardHeight = Math.round((this.width * 4) / 3);
  }

  get #step() {
    return this.cardHeight + GAP;
  }

  /** Height of all together, px. */
  get height() {
    return Math.max(0, Math.ceil(this.total / this.columns) * this.#step - GAP);
  }

  /** @param {number} index */
  place(index) {
    const column = index % this.columns;
    return { x: column * (this.width + GAP), y: Math.floor(index / this.columns) * this.#step };
  }

  /**
   * First and last place that touch a stretch; last before first when none does.
   * @param {number} top
   * @param {number} bottom
   */
  within(top, bottom) {
    const first = Math.max(0, Math.floor((top + GAP) / this.#step)) * this.columns;
    const rows = Math.floor(Math.max(0, bottom) / this.#step) + 1;
    return { first: Math.min(first, this.total), last: Math.min(this.total, rows * this.columns) - 1 };
  }

  /**
   * The place an arrow key leads to.
   * @param {number} index
   * @param {string} key
   */
  neighbour(index, key) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[key] ?? 0;
    const to = index + by;
    if (to < 0 || (to >= this.total && by === 1)) return index;
    // From the last full row down leads to the last card, not nowhere.
    if (to < this.total) return to;
    const below = Math.floor(index / this.columns) < Math.floor((this.total - 1) / this.columns);
    return below ? this.total - 1 : index;
  }
}
