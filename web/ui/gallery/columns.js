/** Where pictures stand: columns filled by their true proportions, and who is next to whom. */

/** @typedef {{x: number, y: number, width: number, height: number, column: number}} Cell */
/** @typedef {"left" | "right" | "up" | "down"} Direction */

export const GAP = 8;
const TARGET = 208;

// What is longer than this is shown cut, or one panorama would be a line and one strip a page.
const LONGEST = 2.6;

/**
 * How many columns fit: two in a sidebar, more only where each stays readable.
 * @param {number} width px
 */
export function columnCount(width) {
  if (width < 160) return 1;
  return Math.max(2, Math.floor((width + GAP) / (TARGET + GAP)));
}

/**
 * Height over width of a card; square where the proportions are not known.
 * @param {number | null | undefined} width
 * @param {number | null | undefined} height
 */
export function proportion(width, height) {
  if (!width || !height || width < 0 || height < 0) return 1;
  return Math.min(LONGEST, Math.max(1 / LONGEST, height / width));
}

/** Cells in the order of their pictures; each goes below the shortest column. */
export class Columns {
  /** @param {number} width px */
  constructor(width) {
    this.width = width;
    this.count = columnCount(width);
    this.columnWidth = Math.max(1, Math.floor((width - GAP * (this.count - 1)) / this.count));
    /** @type {Cell[]} */
    this.cells = [];
    /** @type {number[][]} */
    this.members = Array.from({ length: this.count }, () => []);
    /** @type {number[]} */
    this.bottoms = new Array(this.count).fill(0);
  }

  /** Height of all together, px. */
  get height() {
    return Math.max(0, Math.max(...this.bottoms) - GAP);
  }

  /** @param {Iterable<number>} proportions height over width */
  append(proportions) {
    for (const each of proportions) {
      const column = this.bottoms.indexOf(Math.min(...this.bottoms));
      const y = /** @type {number} */ (this.bottoms[column]);
      const height = Math.round(this.columnWidth * each);
      this.members[column]?.push(this.cells.length);
      const x = column * (this.columnWidth + GAP);
      this.cells.push({ x, y, width: this.columnWidth, height, column });
      this.bottoms[column] = y + height + GAP;
    }
  }

  /**
   * Cells for pictures that come before all others: upwards, so that nothing changes its column.
   *
   * The columns then begin at different heights; laid out anew they would be even.
   * @param {number[]} proportions height over width
   * @returns {number} how far all other cells have moved down, px
   */
  prepend(proportions) {
    const first = (/** @type {number[]} */ members) => this.cells[members[0] ?? -1]?.y ?? 0;
    const tops = this.members.map(first);
    /** @type {Cell[]} */
    const added = [];
    for (const each of proportions.toReversed()) {
      const lowest = Math.max(...tops);
      const column = tops.indexOf(lowest);
      const height = Math.round(this.columnWidth * each);
      const y = lowest - GAP - height;
      tops[column] = y;
      added.unshift({
        x: column * (this.columnWidth + GAP),
        y,
        width: this.columnWidth,
        height,
        column,
      });
    }
    const shift = -Math.min(...tops);
    this.members = this.members.map((members) => members.map((index) => index + added.length));
    for (let index = added.length - 1; index >= 0; index -= 1) {
      this.members[/** @type {Cell} */ (added[index]).column]?.unshift(index);
    }
    this.cells = added.concat(this.cells);
    for (const cell of this.cells) cell.y += shift;
    this.bottoms = this.bottoms.map((bottom) => bottom + shift);
    return shift;
  }

  /**
   * Indexes of the cells that touch a stretch, in order.
   * @param {number} top
   * @param {number} bottom
   * @returns {number[]}
   */
  visible(top, bottom) {
    const found = [];
    for (const members of this.members) {
      for (let at = this.#firstBelow(members, top); at < members.length; at += 1) {
        const index = /** @type {number} */ (members[at]);
        if (/** @type {Cell} */ (this.cells[index]).y > bottom) break;
        found.push(index);
      }
    }
    return found.sort((a, b) => a - b);
  }

  /**
   * The cell an arrow key leads to; itself where there is none.
   *
   * Sideways: the neighbouring column's cell that shares the longest edge, so that going back
   * leads back.
   * @param {number} index
   * @param {Direction} direction
   */
  neighbour(index, direction) {
    const cell = this.cells[index];
    if (!cell) return Math.min(Math.max(index, 0), this.cells.length - 1);
    if (direction === "up" || direction === "down") {
      const members = this.members[cell.column] ?? [];
      const at = members.indexOf(index) + (direction === "down" ? 1 : -1);
      return members[at] ?? index;
    }
    const members = this.members[cell.column + (direction === "right" ? 1 : -1)];
    if (!members?.length) return index;
    let best = /** @type {number} */ (members[members.length - 1]);
    let longest = 0;
    for (let at = this.#firstBelow(members, cell.y); at < members.length; at += 1) {
      const other = /** @type {Cell} */ (this.cells[/** @type {number} */ (members[at])]);
      if (other.y > cell.y + cell.height) break;
      const shared =
        Math.min(other.y + other.height, cell.y + cell.height) - Math.max(other.y, cell.y);
      if (shared > longest) {
        longest = shared;
        best = /** @type {number} */ (members[at]);
      }
    }
    return best;
  }

  /**
   * The place in a column of the first cell that ends below `top`.
   * @param {number[]} members
   * @param {number} top
   */
  #firstBelow(members, top) {
    let low = 0;
    let high = members.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const cell = /** @type {Cell} */ (this.cells[/** @type {number} */ (members[middle])]);
      if (cell.y + cell.height < top) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
