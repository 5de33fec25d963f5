/** A small field that asks for a name, with those that there are already. */

import { dot } from "./colour.js";
import { h } from "./dom.js";
import { showAt } from "./menu.js";

const SHOWN = 50;

/** @typedef {{name: string, color?: string}} Named */

/**
 * @param {Element} anchor
 * @param {{label: string, known: Named[], make: string, choose: (name: string) => void}} about
 *   `known`: those that there are; `make`: the word for one that is new
 */
export function askName(anchor, { label, known, make, choose }) {
  const list = h("div", { class: "picker-list", role: "listbox", "aria-label": label });
  const field = h("input", { class: "field", type: "text", placeholder: label, "aria-label": label, autocomplete: "off", maxlength: "200" });
  const box = h("div", { class: "menu picker", popover: "auto" }, field, list);
  const take = (/** @type {string} */ name) => {
    box.hidePopover();
    if (name) choose(name);
  };
  const coloured = known.some(({ color }) => color);
  const row = (/** @type {Named} */ { name, color = "" }, text = name) => {
    const props = { class: "menu-entry picker-row", type: "button", role: "option", "aria-selected": "false" };
    return h("button", { ...props, onclick: () => take(name) }, coloured && dot(color), h("span", { class: "picker-name" }, text));
  };
  const draw = () => {
    const wanted = field.value.trim();
    const found = known.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase())).slice(0, SHOWN);
    const same = known.some(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    list.replaceChildren(...found.map((each) => row(each)));
    if (wanted && !same) list.append(row({ name: wanted }, `${make} “${wanted}”`));
    if (!list.childElementCount) list.append(h("p", { class: "hint" }, "Type a name."));
  };
  field.addEventListener("input", draw);
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]);
    const at = rows.findIndex((each) => each.matches(":focus"));
    if (event.key === "Enter" && at < 0) {
      event.preventDefault();
      take(field.value.trim());
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      (rows[at + 1] ?? rows[0])?.focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      (rows[at - 1] ?? field).focus();
    }
  });
  draw();
  showAt(box, anchor);
  field.focus();
}
