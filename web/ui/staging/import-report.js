/** What an import of an export has done, or would do, in figures. */

/**
 * @typedef {{new: number, known: number}} Counts
 *
 * @typedef {object} ImportReport
 * @property {Counts & {changed: number, unhashed: number}} models
 * @property {Counts} tags
 * @property {Counts} samples
 * @property {Counts} pictures
 * @property {Counts} collections
 * @property {Counts} [entries] of the catalogs, where it has some
 * @property {{file: string, reason: string}[]} problems
 */

/**
 * What there is of each, with a word for it.
 * @param {ImportReport} report
 * @returns {[string, number][]}
 */
export function importFigures({ models, tags, samples, pictures, collections, entries, problems }) {
  /** @type {[string, number][]} */
  const all = [
    ["New models", models.new],
    ["Models with something new", models.changed],
    ["Models without changes", models.known],
    ["Models without a hash, left out", models.unhashed],
    ["New tags", tags.new],
    ["New samples", samples.new],
    ["New pictures", pictures.new],
    ["New collections", collections.new],
    ["New entries in Wanted", entries?.new ?? 0],
    ["Could not be read", problems.length],
  ];
  return all.filter(([, count]) => count);
}
