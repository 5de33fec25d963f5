/** Texts into the clipboard. */

import { attempts } from "./attempts.js";
import { h } from "./dom.js";

/**
 * An act that copies a text and says so.
 * @param {import("./notice.js").Notice} notice
 * @returns {(text: string) => Promise<boolean>} whether it went well
 */
export const copyAct = (notice) => (text) =>
  attempts(notice)(async () => {
    await copyText(text, notice.element);
    return "Copied";
  });

/**
 * The clipboard of the browser is there only on secure pages; ComfyUI is often reached by plain
 * http over the LAN.
 * @param {string} text
 * @param {Element} place in the page, and not behind a dialog
 */
async function copyText(text, place) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = h("textarea", { class: "off-screen", "aria-hidden": "true" });
  field.value = text;
  place.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
