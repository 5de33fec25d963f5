/** What stands in the place of pictures: nothing yet, nothing found, failed, not let in. */

import { ApiError, api, words } from "../data/api.js";
import { h } from "../parts/dom.js";
import { failure, state } from "../parts/states.js";

/**
 * @param {() => void} add
 * @param {((anchor: Element) => void) | null} choose a LoRA whose pictures can be fetched
 */
export function nothingYet(add, choose) {
  return state(
    "image",
    "No pictures yet",
    "What your LoRAs make stands here, one click away from your workflow.",
    h("button", { class: "button main", type: "button", onclick: add }, "Add a picture"),
    choose && lora(choose),
  );
}

/** @param {(anchor: Element) => void} choose */
function lora(choose) {
  const button = h(
    "button",
    { class: "button state-other", type: "button", onclick: () => choose(button) },
    "Pictures of a LoRA …",
  );
  return button;
}

/**
 * @param {string} name of a model
 * @param {(() => void) | null} get fetch some; null where there is nobody to ask
 */
export function nothingOfModel(name, get) {
  return state(
    "image",
    `No pictures of ${name} yet`,
    get ? "Its author's pictures and the community's can be fetched from CivitAI." : "",
    get && h("button", { class: "button main", type: "button", onclick: get }, "Get pictures"),
  );
}

/** @param {() => void} clear */
export function nothingFound(clear) {
  return state(
    "search",
    "Nothing found",
    "No picture fits the search and the filters.",
    h("button", { class: "button", type: "button", onclick: clear }, "Show all"),
  );
}

/**
 * @param {unknown} error
 * @param {() => void} retry
 */
export const failed = (error, retry) => failure("The pictures could not be read", error, retry);

/**
 * What stands there, in a word that changes with it; empty when pictures do.
 * @param {import("./pages.js").Pages} pages
 * @param {import("./filters.js").Filters} filters
 */
export function stateKind({ items, state: now, error, complete }, filters) {
  const locked = error instanceof ApiError && error.status === 401;
  if (now === "failed") return locked ? "key" : `failed ${words(error)}`;
  if (!complete || items.length) return "";
  if (filters.isEmpty) return "empty";
  const { model_id } = filters.filter;
  return filters.isWhole && model_id !== undefined ? `model ${model_id}` : "none";
}

/**
 * Asks for the key of the door.
 * @param {() => void} done the key was right
 */
export function keyNeeded(done) {
  const field = h("input", {
    class: "field",
    type: "password",
    autocomplete: "current-password",
    "aria-label": "Key",
    placeholder: "Key",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { class: "button main", type: "submit" }, "Open");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    try {
      await api.openSession(field.value.trim());
      done();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      problem.textContent = words(error);
      field.select();
    }
    button.disabled = false;
  };
  return state(
    "key",
    "A key is needed",
    "Curator asks everyone for its key who is not on its own machine. It lies in the file that " +
      "the console of the server names.",
    h("form", { class: "field-row", onsubmit: submit }, field, button),
    problem,
  );
}
