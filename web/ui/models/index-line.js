/** One line while the library is still being read: how far, and a way to pause. */

import { ApiError, api, words } from "../data/api.js";
import { iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { countText, leftText } from "../parts/figures.js";
import { paced } from "../parts/paced.js";

/** @typedef {import("../data/library-calls.js").Hashing} Hashing */

const BETWEEN_LOOKS = 1000;

export class IndexLine {
  /** @param {import("../parts/notice.js").Notice} notice */
  constructor(notice) {
    this.notice = notice;
    this.element = h("div", { class: "index-line", role: "status", hidden: true });
    this.looks = paced(() => this.#read(), BETWEEN_LOOKS);
    this.shown = "";
  }

  hear() {
    this.looks.ask();
  }

  stop() {
    this.looks.stop();
  }

  async #read() {
    try {
      const { hashing, complete } = await api.libraryStatus();
      this.#draw(hashing, complete);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.element.hidden = true;
    }
  }

  /**
   * @param {Hashing} hashing
   * @param {boolean} complete
   */
  #draw(hashing, complete) {
    const text = indexText(hashing, complete);
    this.element.hidden = !text;
    const paused = hashing.state === "paused";
    const shown = `${text} ${paused}`;
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = this.element.matches(":focus-within");
    const button =
      hashing.files_left > 0 &&
      iconButton(paused ? "play" : "pause", paused ? "Go on" : "Pause", () => this.#change(paused ? "resume" : "pause"));
    fill(this.element, h("span", {}, text), button);
    if (focused && button) button.focus({ preventScroll: true });
  }

  /** @param {"pause" | "resume"} act */
  async #change(act) {
    try {
      await api.hashing(act);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.notice.failed(words(error));
    }
    this.looks.ask();
  }
}

/**
 * @param {Hashing} hashing
 * @param {boolean} complete
 */
export function indexText({ state, files_left: files, eta_s: left }, complete) {
  if (!complete) return "Looking through the folders …";
  if (!files) return "";
  const many = countText(files, "file");
  if (state === "paused") return `Paused: ${many} to read`;
  if (state === "waiting") return `${many} to read, after the generation`;
  return [`Reading ${many}`, left ? leftText(left) : ""].filter(Boolean).join(" · ");
}
