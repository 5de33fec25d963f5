/** What stands in the place of a list: empty, failed. */

import { words } from "../data/api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {import("./icons.js").IconName} sign
 * @param {string} title
 * @param {string} text
 * @param {...import("./dom.js").Child} acts
 */
export function state(sign, title, text, ...acts) {
  return h("div", { class: "state" }, icon(sign), h("h2", {}, title), h("p", {}, text), ...acts);
}

/**
 * @param {string} title
 * @param {unknown} error
 * @param {() => void} retry
 */
export function failure(title, error, retry) {
  return h(
    "div",
    { class: "state is-failed", role: "alert" },
    icon("warning"),
    h("h2", {}, title),
    h("p", {}, words(error)),
    h("button", { class: "button", type: "button", onclick: retry }, icon("retry"), "Retry"),
  );
}

/**
 * Grey bars of the shape of rows.
 * @param {number} count
 */
export const greyRows = (count) =>
  h("div", { class: "grey-rows", "aria-hidden": "true" }, ...Array.from({ length: count }, () => h("span")));
