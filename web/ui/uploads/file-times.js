/** When the files of open uploads were changed last: by it a file that is chosen again is told. */

const KEPT = "curator.uploads";

/** @returns {Record<string, number>} when the file of an upload was changed last, by its id */
export function modifiedTimes() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

/**
 * @param {string} id
 * @param {number} modified
 */
export function keepModified(id, modified) {
  localStorage.setItem(KEPT, JSON.stringify({ ...modifiedTimes(), [id]: modified }));
}

/**
 * @param {Set<string>} open ids that may still be wanted
 */
export function forgetModified(open) {
  const kept = Object.entries(modifiedTimes());
  const wanted = kept.filter(([id]) => open.has(id));
  if (wanted.length < kept.length) localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(wanted)));
}
