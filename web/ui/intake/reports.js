/** What long work on the gallery has found or done, as figures to read. */

import { h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";

/** @typedef {{file: string, reason: string}} Problem */

/**
 * @typedef {object} Adoption
 * @property {boolean} dry_run
 * @property {number} found
 * @property {number} new
 * @property {number} known
 * @property {number} stars
 * @property {number} previews
 * @property {number} tags whose names are new
 * @property {number} bytes of the new ones
 * @property {number} failed
 * @property {Problem[]} problems the first of them
 */

/**
 * @typedef {object} Cleanup
 * @property {boolean} dry_run
 * @property {number} pictures
 * @property {number} files that belong to no picture
 * @property {number} bytes
 * @property {{model_id: number, name: string, count: number, bytes: number}[]} models
 */

/**
 * @typedef {object} Rebuilding
 * @property {number} files
 * @property {number} added
 * @property {number} repaired
 * @property {number} reread whose file tells of its making what the index had otherwise
 * @property {number} removed
 * @property {number} unreadable
 * @property {Problem[]} problems
 */

/**
 * @param {Adoption} report
 * @returns {[string, string][]}
 */
export function adoptionFigures({ found, new: fresh, known, stars, previews, tags, bytes, failed }) {
  /** @type {[string, string][]} */
  const all = [
    ["Found", count(found)],
    ["New", fresh ? `${count(fresh)}, ${sizeText(bytes)}` : "none"],
    ["Here already", known ? count(known) : ""],
    ["Stars", stars ? count(stars) : ""],
    ["Previews", previews ? count(previews) : ""],
    ["Tag names", tags ? count(tags) : ""],
    ["Failed", failed ? count(failed) : ""],
  ];
  return all.filter(([, value]) => value);
}

/**
 * @param {Cleanup} report
 */
export const isClean = ({ pictures, files }) => !pictures && !files;

/**
 * @param {Cleanup} report
 */
export function cleanupWords({ pictures, files, bytes }) {
  const parts = [
    pictures ? countText(pictures, "picture") : "",
    files ? countText(files, "left-over file") : "",
  ].filter(Boolean);
  return `${parts.join(" and ")}, ${sizeText(bytes)}`;
}

/**
 * @param {Rebuilding} report
 * @returns {[string, string][]}
 */
export function rebuildFigures({ files, added, repaired, reread, removed, unreadable }) {
  /** @type {[string, string][]} */
  const all = [
    ["Files", count(files)],
    ["Found again", added ? count(added) : "none"],
    ["Mended", repaired ? count(repaired) : ""],
    ["Prompts read again", reread ? count(reread) : ""],
    ["Without a file", removed ? count(removed) : ""],
    ["Unreadable", unreadable ? count(unreadable) : ""],
  ];
  return all.filter(([, value]) => value);
}

/** @param {number} value */
const count = (value) => value.toLocaleString("en");

/** @param {[string, string][]} figures */
export const reportList = (figures) =>
  h(
    "dl",
    { class: "facts report" },
    ...figures.map(([label, value]) => h("div", { class: "fact" }, h("dt", {}, label), h("dd", {}, value))),
  );

/**
 * @param {{problems?: Problem[], failed?: number}} report
 */
export function problemList({ problems = [], failed = problems.length }) {
  if (!problems.length) return null;
  const rows = problems.map(({ file, reason }) =>
    h(
      "li",
      { class: "plain-row" },
      h(
        "span",
        { class: "entry-words" },
        h("span", { class: "entry-name", title: file }, file),
        h("span", { class: "entry-facts is-whole" }, reason),
      ),
    ),
  );
  const others = failed - problems.length;
  const rest = others > 0 && h("li", { class: "hint" }, `and ${count(others)} more`);
  return h("ul", { class: "plain-list", "aria-label": "What could not be read" }, ...rows, rest);
}
