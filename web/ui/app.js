/** Puts the panel into a page, ComfyUI's or our own. */

import { addStyles, h } from "./parts/dom.js";
import { Panel } from "./shell/panel.js";

/**
 * Put the panel into an element; resolves to what takes it away again.
 *
 * It lives in a shadow root: neither the host's styles nor ours reach across.
 * @param {HTMLElement} place
 * @param {import("./shell/screen.js").Surroundings} surroundings
 * @returns {Promise<() => void>}
 */
export async function mount(place, surroundings) {
  const box = h("div", { class: "curator-panel" });
  box.style.height = "100%";
  const root = box.attachShadow({ mode: "open" });
  place.replaceChildren(box);
  const styled = addStyles(root, new URL("styles.css", import.meta.url).href);
  const panel = new Panel(surroundings);
  await styled;
  root.append(panel.element);
  const stop = panel.start(box);
  return () => {
    stop();
    box.remove();
  };
}
