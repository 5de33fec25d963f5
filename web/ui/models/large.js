/** Pictures one at a time over the whole window. */

import { iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";

/**
 * @param {Element} near an element of the panel
 * @param {string[]} addresses
 * @param {number} index the one to begin with
 */
export function openLarge(near, addresses, index) {
  const image = h("img", { alt: "" });
  const count = h("span", { class: "sample-count" });
  const step = (/** @type {number} */ by) => {
    index = (index + by + addresses.length) % addresses.length;
    image.src = addresses[index] ?? "";
    fill(count, `${index + 1} of ${addresses.length}`);
  };
  const many = addresses.length > 1;
  const close = () => dialog.close();
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { class: "sample-large", "aria-label": "Sample" },
    image,
    h(
      "div",
      { class: "sample-bar" },
      many && iconButton("left", "Previous", () => step(-1)),
      many && count,
      many && iconButton("right", "Next", () => step(1)),
      iconButton("close", "Close", close),
    ),
  );
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === image) close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  step(0);
  (near.closest(".panel") ?? near).append(dialog);
  dialog.showModal();
}
