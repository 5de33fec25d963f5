/** The order of the models, as a chip with a menu. */

import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";

/** @typedef {import("../data/library-calls.js").ModelSort} ModelSort */

/** @type {readonly (readonly [string, ModelSort, "asc" | "desc"])[]} */
const ORDERS = [
  ["Name", "name", "asc"],
  ["Newest", "created_at", "desc"],
  ["Largest", "size_bytes", "desc"],
  ["Rating", "rating", "desc"],
];

/** @param {(sort: ModelSort, order: "asc" | "desc") => void} choose */
export function sortChip(choose) {
  const text = h("span", {}, ORDERS[0]?.[0]);
  const chip = h("button", { class: "chip", type: "button", title: "Order", onclick: () => open() }, text, icon("down"));
  const open = () =>
    openMenu(
      chip,
      ORDERS.map(([name, sort, order]) => ({
        text: name,
        act: () => {
          fill(text, name);
          choose(sort, order);
        },
      })),
    );
  return chip;
}
