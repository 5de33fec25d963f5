/** Grey cards where pictures are coming, in the columns they will have. */

import { h } from "../parts/dom.js";
import { Columns } from "./columns.js";

const SHAPES = [1.4, 0.7, 1, 1.3, 0.75, 1.5, 0.66, 1.2];

export class Shades {
  constructor() {
    this.element = h("div", { class: "grid-shades", "aria-hidden": "true" });
  }

  /** @param {Columns | null} above the columns they go on from; null: none are coming */
  show(above) {
    const { style } = this.element;
    if (!above) {
      this.element.replaceChildren();
      style.height = style.marginTop = "0px";
      return;
    }
    const highest = Math.min(...above.bottoms);
    const columns = new Columns(above.width);
    columns.bottoms = above.bottoms.map((bottom) => bottom - highest);
    const rows = above.cells.length ? 2 : 4;
    for (let row = 0; row < rows * columns.count; row += 1) {
      columns.append([SHAPES[row % SHAPES.length] ?? 1]);
    }
    this.element.replaceChildren(...columns.cells.map(shade));
    const overlap = above.cells.length ? highest - above.height : 0;
    style.height = `${columns.height}px`;
    style.marginTop = `${overlap}px`;
  }
}

/** @param {import("./columns.js").Cell} cell */
function shade(cell) {
  const element = h("div", { class: "shade" });
  element.style.transform = `translate(${cell.x}px, ${cell.y}px)`;
  element.style.width = `${cell.width}px`;
  element.style.height = `${cell.height}px`;
  return element;
}
