/** What stands in the place of models: none yet, none found, failed. */

import { ApiError, words } from "../data/api.js";
import { h } from "../parts/dom.js";
import { failure, state } from "../parts/states.js";

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

export const stillLooking = () =>
  state("search", "Still looking …", "Your models folders are being looked through; what is found stands here at once.");

/** @param {() => void} clear */
export const noneFound = (clear) =>
  state(
    "search",
    "Nothing found",
    "No model fits the search and the filters.",
    h("button", { class: "button", type: "button", onclick: clear }, "Show all"),
  );

/**
 * @param {unknown} error
 * @param {() => void} retry
 */
export const failed = (error, retry) => failure("The models could not be read", error, retry);

/**
 * What stands there, in a word that changes with it; empty when models do.
 * @param {import("./model-rows.js").ModelRows} rows
 * @param {import("./model-filters.js").ModelFilters} filters
 */
export function stateKind({ state: now, error, total, complete }, filters) {
  const locked = error instanceof ApiError && error.status === 401;
  if (now === "failed") return locked ? "key" : `failed ${words(error)}`;
  if (now !== "ready" || total) return "";
  if (!complete) return "looking";
  return filters.isEmpty ? "empty" : "none";
}
