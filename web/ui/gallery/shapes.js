/** How two states of a list differ, as far as the columns care: who is there, of what proportions. */

import { proportion } from "./columns.js";

/** @typedef {import("../data/api.js").Item} Item */

/**
 * Height over width of a picture's card.
 * @param {Item} item
 */
export const shape = (item) => proportion(item.meta.width, item.meta.height);

/**
 * How many pictures have come before the known ones; -1 when those are not all there as before.
 * @param {Item[]} known
 * @param {Item[]} items
 */
export function countBefore(known, items) {
  const before = known[0] ? items.findIndex((item) => item.id === known[0]?.id) : 0;
  if (before < 0 || known.length + before > items.length) return -1;
  const same = known.every((item, at) => sameShape(item, items[before + at]));
  return same ? before : -1;
}

/**
 * @param {Item} a
 * @param {Item | undefined} b
 */
function sameShape(a, b) {
  return a === b || (a.id === b?.id && shape(a) === shape(b));
}
