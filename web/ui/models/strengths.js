/** Strengths of a LoRA. */

/** @typedef {import("../data/library-calls.js").Preset} Preset */

/**
 * The strength to begin with: what the first preset recommends, else the middle of it, else 1.
 * @param {Preset[]} presets
 */
export function recommended(presets) {
  for (const { min, recommended: best, max } of presets) {
    if (best !== null) return best;
    if (min !== null && max !== null) return Math.round(50 * (min + max)) / 100;
    const one = max ?? min;
    if (one !== null) return one;
  }
  return 1;
}
