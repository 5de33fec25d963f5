/** Choosing one of the models that the gallery has pictures of. */

import { api } from "../data/api.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { showAt } from "../parts/menu.js";

/** @typedef {import("../data/api.js").GalleryModel} GalleryModel */

const SHOWN = 200;

/**
 * @param {Element} anchor
 * @param {GalleryModel[]} models
 * @param {(id: number) => void} choose
 */
export function chooseModel(anchor, models, choose) {
  const list = h("div", { class: "picker-list", role: "listbox", "aria-label": "Models" });
  const field = h("input", {
    class: "field",
    type: "search",
    placeholder: "Name of the model",
    "aria-label": "Name of the model",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => draw(),
  });
  const box = h("div", { class: "menu picker", popover: "auto" }, models.length > 8 && field, list);
  const draw = () => {
    const wanted = field.value.trim().toLowerCase();
    const found = models.filter((model) => model.name.toLowerCase().includes(wanted));
    list.replaceChildren(...found.slice(0, SHOWN).map((model) => row(model, box, choose)));
    if (!found.length) list.append(h("p", { class: "hint" }, "No model of that name has pictures here."));
  };
  draw();
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]);
    const at = rows.findIndex((each) => each.matches(":focus"));
    (rows[at + by] ?? (by < 0 ? field : rows[0]))?.focus();
  });
  showAt(box, anchor);
  (models.length > 8 ? field : list.querySelector("button"))?.focus();
}

/**
 * @param {GalleryModel} model
 * @param {HTMLElement} box
 * @param {(id: number) => void} choose
 */
function row(model, box, choose) {
  return h(
    "button",
    {
      class: "menu-entry picker-row",
      type: "button",
      role: "option",
      "aria-selected": "false",
      onclick: () => {
        box.hidePopover();
        choose(model.model_id);
      },
    },
    model.thumb ? h("img", { src: api.thumb(model.thumb), alt: "", loading: "lazy" }) : icon("model"),
    h("span", { class: "picker-name" }, model.name),
    h("span", { class: "count" }, model.count.toLocaleString()),
  );
}
