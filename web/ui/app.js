/** Puts the panel into a page, ComfyUI's or our own. */

import { addStyles, h } from "./parts/dom.js";
import { Panel } from "./shell/panel.js";

const STYLES = [
  "app.css",
  "parts/parts.css",
  "gallery/gallery.css",
  "run/run.css",
  "intake/intake.css",
  "disk/disk.css",
  "picture/picture.css",
  "models/models.css",
  "models/model-view.css",
  "collections/collections.css",
  "staging/staging.css",
  "add/add-panel.css",
  "settings/settings-panel.css",
  "wanted/wanted.css",
  "exchange/exchange.css",
  "trash/trash.css",
  "transfers/tray.css",
  "uploads/uploads.css",
];

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
  await addStyles(
    root,
    STYLES.map((name) => new URL(name, import.meta.url).href),
  );
  const panel = new Panel(surroundings);
  root.append(panel.element);
  const stop = panel.start(box);
  return () => {
    stop();
    box.remove();
  };
}
