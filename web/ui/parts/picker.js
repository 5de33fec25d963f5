/** Choosing one of many by its name. */

import { dot } from "./colour.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { showAt } from "./menu.js";

/**
 * @template T
 * @typedef {object} Choice
 * @property {T} value
 * @property {string} text
 * @property {string} [about] small, at the end
 * @property {string | null} [image] address
 * @property {boolean} [covered] the image is only to be guessed
 * @property {import("./icons.js").IconName} [sign] where there is no image
 * @property {string} [color] a dot where there is no image; empty: only its room
 * @property {string} [group] a head before the first of it
 */

const SHOWN = 200;
const FIELD_FROM = 9;

/**
 * @template T
 * @param {Element} anchor
 * @param {Choice<T>[]} choices
 * @param {{label: string, name: string, none: string, choose: (value: T) => void}} about `label`: of
 *   the list; `name`: of what is typed; `none`: when nothing has that name
 */
export function openPicker(anchor, choices, { label, name, none, choose }) {
  const list = h("div", { class: "picker-list", role: "listbox", "aria-label": label });
  const field = h("input", {
    class: "field",
    type: "search",
    placeholder: name,
    "aria-label": name,
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => draw(),
  });
  const searched = choices.length >= FIELD_FROM;
  const box = h("div", { class: "menu picker", popover: "auto" }, searched && field, list);
  const take = (/** @type {T} */ value) => {
    box.hidePopover();
    choose(value);
  };
  const draw = () => {
    const wanted = field.value.trim().toLowerCase();
    const found = choices.filter(({ text }) => text.toLowerCase().includes(wanted)).slice(0, SHOWN);
    let group = "";
    list.replaceChildren();
    for (const choice of found) {
      const { group: its = "" } = choice;
      if (its !== group) list.append(h("h3", { class: "picker-group" }, its));
      group = its;
      list.append(row(choice, take));
    }
    if (!found.length) list.append(h("p", { class: "hint" }, none));
  };
  draw();
  box.addEventListener("keydown", (event) => step(event, list, field));
  showAt(box, anchor);
  (searched ? field : list.querySelector("button"))?.focus();
}

/**
 * @param {KeyboardEvent} event
 * @param {Element} list
 * @param {HTMLElement} field
 */
function step(event, list, field) {
  event.stopPropagation();
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]);
  const at = rows.findIndex((each) => each.matches(":focus"));
  (rows[at + by] ?? (by < 0 ? field : rows[0]))?.focus();
}

/**
 * @template T
 * @param {Choice<T>} choice
 * @param {(value: T) => void} take
 */
function row({ value, text, about, image, covered, sign, color }, take) {
  return h(
    "button",
    {
      class: "menu-entry picker-row",
      type: "button",
      role: "option",
      "aria-selected": "false",
      onclick: () => take(value),
    },
    image
      ? h("img", { src: image, alt: "", loading: "lazy", class: covered && "is-blurred" })
      : sign && icon(sign),
    color !== undefined && dot(color),
    h("span", { class: "picker-name" }, text),
    about && h("span", { class: "count" }, about),
  );
}
