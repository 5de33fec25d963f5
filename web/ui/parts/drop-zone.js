/** A place that files are dropped on, or chosen by a button. */

import { h } from "./dom.js";

/**
 * @param {{text: string, accept: string, multiple?: boolean, take: (files: File[]) => void}} about
 * @returns {{element: HTMLElement, button: HTMLButtonElement}}
 */
export function dropZone({ text, accept, multiple = false, take }) {
  const picker = h("input", {
    type: "file",
    class: "off-screen",
    accept,
    multiple,
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: () => {
      const files = [...(picker.files ?? [])];
      picker.value = "";
      if (files.length) take(files);
    },
  });
  const button = h(
    "button",
    { class: "button main", type: "button", onclick: () => picker.click() },
    multiple ? "Choose files" : "Choose a file",
  );
  const element = h("div", { class: "drop-zone" }, h("p", {}, text), button, picker);
  takeDrops(element, (files) => take(multiple ? files : files.slice(0, 1)));
  return { element, button };
}

/**
 * Files dropped on an element are taken; what else is dragged over it is not our business.
 * @param {HTMLElement} element
 * @param {(files: File[]) => void} take
 */
export function takeDrops(element, take) {
  const over = (/** @type {DragEvent} */ event, /** @type {boolean} */ is) => {
    if (!event.dataTransfer?.types.includes("Files")) return false;
    event.preventDefault();
    event.stopPropagation();
    element.classList.toggle("is-over", is);
    return true;
  };
  element.addEventListener("dragover", (event) => over(event, true));
  element.addEventListener("dragleave", (event) => over(event, false));
  element.addEventListener("drop", (event) => {
    if (!over(event, false)) return;
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  });
}
