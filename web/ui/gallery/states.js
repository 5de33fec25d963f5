/** What stands in the place of pictures: nothing yet, nothing found, failed, not let in. */

import { ApiError, api, words } from "../data/api.js";
import { h } from "../parts/dom.js";
import { failure, state } from "../parts/states.js";

/** @param {() => void} add */
export function nothingYet(add) {
  return state(
    "image",
    "No pictures yet",
    "Pictures that you add from CivitAI stand here, one click away from your workflow.",
    h("button", { class: "button main", type: "button", onclick: add }, "Add a picture"),
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
