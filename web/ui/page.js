/** The page without ComfyUI. */

import { mount } from "./app.js";
import { listenToServer } from "./data/changes.js";

const KEPT = "curator.theme";

/** @param {string} theme "dark", "light" or "" for what the system says */
function choose(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem(KEPT, theme);
}

const current = () => localStorage.getItem(KEPT) ?? "";

choose(current());
const place = /** @type {HTMLElement} */ (document.getElementById("curator"));
await mount(place, { listen: listenToServer, appearance: { current, choose }, whole: true });
