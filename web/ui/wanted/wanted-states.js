/** What stands in the place of the catalog's entries, or above old ones. */

import { words } from "../data/api.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { state } from "../parts/states.js";

/** @param {() => void} add */
export const noModels = (add) =>
  state(
    "model",
    "No models yet",
    "Models that you want stand here. Paste the address of one to add it.",
    h("button", { class: "button main", type: "button", onclick: add }, "Add a model"),
  );

/** @param {() => void} clear */
export const noneFound = (clear) =>
  state(
    "search",
    "Nothing found",
    "No entry fits the search and the filters.",
    h("button", { class: "button", type: "button", onclick: clear }, "Show all"),
  );

/**
 * What is shown is what was read before.
 * @param {unknown} error
 * @param {() => void} retry
 */
export const stale = (error, retry) =>
  banner(words(error), h("button", { class: "link", type: "button", onclick: retry }, "Retry"));

/** @param {import("./entries.js").Problem} problem */
export const problemText = ({ file, line, column, text }) =>
  `${file}, line ${line}, column ${column}: ${text} Shown is what could be read last; ` +
  "nothing can be changed until the file is mended.";

/**
 * @param {string} text
 * @param {...import("../parts/dom.js").Child} acts
 */
export const banner = (text, ...acts) =>
  h("div", { class: "banner", role: "alert" }, icon("warning"), h("span", {}, text), ...acts);
