/** Fields with a label, as forms have them. */

import { h } from "./dom.js";

let count = 0;

/**
 * @param {string} label
 * @param {HTMLElement} field
 * @param {...import("./dom.js").Child} more below it
 */
export function labelled(label, field, ...more) {
  count += 1;
  field.id ||= `field-${count}`;
  return h("div", { class: "labelled" }, h("label", { for: field.id }, label), field, ...more);
}

/**
 * @param {string} now
 * @param {readonly (readonly [string, string])[]} choices value and text
 * @param {(value: string) => void} [changed]
 */
export function select(now, choices, changed) {
  const field = h(
    "select",
    { class: "field", onchange: () => changed?.(field.value) },
    ...choices.map(([value, text]) => h("option", { value, selected: value === now }, text)),
  );
  return field;
}

/**
 * @param {string} label
 * @param {boolean} on
 */
export function checkbox(label, on) {
  const box = h("input", { type: "checkbox", checked: on });
  return { box, element: h("label", { class: "check" }, box, h("span", {}, label)) };
}
