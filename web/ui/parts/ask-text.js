/** A small field for one text, beside what it belongs to. */

import { ApiError, words } from "../data/call.js";
import { h } from "./dom.js";
import { showAt } from "./menu.js";

/**
 * It stays open until the text is taken; what is against it is said there.
 * @param {Element} anchor
 * @param {{label: string, text?: string, act: string, save: (text: string) => Promise<unknown>,
 *   lines?: number, empty?: boolean}} about `lines`: more than one; `empty`: that is a text too
 */
export function askText(anchor, { label, text = "", act, save, lines = 1, empty = false }) {
  const props = { class: "field", placeholder: label, "aria-label": label, required: !empty };
  const field =
    lines > 1
      ? h("textarea", { ...props, class: "field model-area", rows: lines, maxlength: "10000" })
      : h("input", { ...props, type: "text", autocomplete: "off", maxlength: "200" });
  field.value = text;
  const button = h("button", { class: "button small main", type: "submit" }, act);
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wanted = field.value.trim();
    if (!wanted && !empty) return;
    button.disabled = true;
    problem.textContent = "";
    try {
      await save(wanted);
      box.hidePopover();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      problem.textContent = words(error);
      field.focus();
    }
    button.disabled = false;
  };
  const form = h("form", { class: "ask-text", onsubmit: submit }, field, button, problem);
  const box = h("div", { class: "menu", popover: "auto" }, form);
  box.addEventListener("keydown", (event) => event.stopPropagation());
  showAt(box, anchor);
  field.focus();
  field.select();
}
