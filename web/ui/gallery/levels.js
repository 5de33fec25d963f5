/** CivitAI's levels of what not everybody wants to see: one bit each. */

/** @type {readonly (readonly [number, string])[]} */
export const LEVELS = [
  [1, "PG"],
  [2, "PG-13"],
  [4, "R"],
  [8, "X"],
  [16, "XXX"],
  [32, "Blocked"],
];

/**
 * The name of the highest level in it; empty when it is not known.
 * @param {number | null | undefined} level
 */
export const levelName = (level) => LEVELS.findLast(([bit]) => (level ?? 0) >= bit)?.[1] ?? "";
