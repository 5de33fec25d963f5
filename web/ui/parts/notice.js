/** One quiet line at the foot of the panel: what has been done, or why not. */

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

const SECONDS = 4;
const SECONDS_TO_ACT = 10;

export class Notice {
  constructor() {
    this.element = h("div", { class: "notice", role: "status", "aria-live": "polite" });
  }

  /**
   * @param {string} text
   * @param {{text: string, run: () => unknown}} [act] what takes it back
   */
  done(text, act) {
    this.#show(text, "is-done", icon("check"));
    if (act) {
      const run = () => {
        this.clear();
        act.run();
      };
      this.element.append(h("button", { class: "link", type: "button", onclick: run }, act.text));
    }
    this.timer = setTimeout(() => this.clear(), (act ? SECONDS_TO_ACT : SECONDS) * 1000);
  }

  /**
   * Stays until it is closed: somebody should know.
   * @param {string} text
   */
  failed(text) {
    this.#show(text, "is-failed", icon("warning"));
    this.element.append(
      h(
        "button",
        { class: "icon-button", type: "button", title: "Close", onclick: () => this.clear() },
        icon("close"),
      ),
    );
  }

  clear() {
    clearTimeout(this.timer);
    this.element.className = "notice";
    fill(this.element);
  }

  /**
   * @param {string} text
   * @param {string} kind
   * @param {Element} sign
   */
  #show(text, kind, sign) {
    clearTimeout(this.timer);
    this.element.className = `notice is-shown ${kind}`;
    fill(this.element, sign, h("span", { class: "notice-text" }, text));
  }
}
