/** A question before something that cannot be taken back easily. */

import { h } from "./dom.js";

/**
 * Resolves to whether it is to be done; Esc and Cancel say no.
 * @param {Element} near an element of the panel
 * @param {{title: string, text: string, act: string}} question
 * @returns {Promise<boolean>}
 */
export function confirm(near, { title, text, act }) {
  const yes = h("button", { class: "button main", type: "submit", value: "yes" }, act);
  const no = h("button", { class: "button", type: "submit", value: "" }, "Cancel");
  const dialog = h(
    "dialog",
    { class: "confirm", "aria-label": title },
    h(
      "form",
      { method: "dialog" },
      h("h2", {}, title),
      h("p", {}, text),
      h("div", { class: "confirm-acts" }, no, yes),
    ),
  );
  // Esc is for this dialog, not for what lies below.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  (near.closest(".panel") ?? near).append(dialog);
  dialog.showModal();
  yes.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
