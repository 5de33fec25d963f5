/** Where the rows of a long list stand. */

/** @typedef {import("./entries.js").Row} Row */

export const HEAD = 36;
export const ENTRY = 56;
export const FAILED = 92;

/** @param {Row} row */
export function rowHeight(row) {
  if (row.kind === "head") return HEAD;
  return row.entry.state === "error" ? FAILED : ENTRY;
}

export class Layout {
  /** @param {Row[]} rows */
  constructor(rows) {
    this.tops = new Float64Array(rows.length + 1);
    for (const [index, row] of rows.entries()) {
      this.tops[index + 1] = this.top(index) + rowHeight(row);
    }
  }

  get height() {
    return this.tops[this.tops.length - 1] ?? 0;
  }

  /** @param {number} index */
  top(index) {
    return this.tops[index] ?? 0;
  }

  /**
   * The row that lies at a height; the last one below all.
   * @param {number} y
   */
  at(y) {
    let low = 0;
    let high = Math.max(0, this.tops.length - 2);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.top(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
