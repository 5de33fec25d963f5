/** What stands in the place of models: none yet, none found. */

import { h } from "../parts/dom.js";
import { state } from "../parts/states.js";

/**
 * @param {() => void} add
 * @param {() => void} scan
 */
export const noModels = (add, scan) =>
  state(
    "model",
    "No models yet",
    "Every file in your models folders stands here, also while it is still being read.",
    h("button", { class: "button main", type: "button", onclick: add }, "Add a model"),
    h("button", { class: "button state-other", type: "button", onclick: scan }, "Look through the folders"),
  );

/** @param {() => void} clear */
export const noneFound = (clear) =>
  state(
    "search",
    "Nothing found",
    "No model fits the search and the filters.",
    h("button", { class: "button", type: "button", onclick: clear }, "Show all"),
  );
