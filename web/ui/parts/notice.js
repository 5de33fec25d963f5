/** One quiet line at the foot of the panel: what has been done, or why not. */

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

const SECONDS = 4;
const SECONDS_TO_ACT = 10;

export class Notice {
  /** @param {() => void} home brings the keyboard to where it is at home */
  constructor(home) {
    this.home = home;
    this.element = h("div", { class: "notice", role: "status", "aria-live": "polite" });
    /** @type {Element | null} where the keyboard was when the notice came */
    this.before = null;
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
    this.#clearIn((act ? SECONDS_TO_ACT : SECONDS) * 1000);
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
    if (this.#holdsKeyboard) this.#giveBack();
    this.element.className = "notice";
    fill(this.element);
  }

  get #holdsKeyboard() {
    return this.element.matches(":focus-within");
  }

  /** Not while the keyboard is on its button. @param {number} delay in milliseconds */
  #clearIn(delay) {
    this.timer = setTimeout(() => (this.#holdsKeyboard ? this.#clearIn(delay) : this.clear()), delay);
  }

  /** The keyboard goes to where it was; where that is gone, home. */
  #giveBack() {
    const { before } = this;
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    if (this.#holdsKeyboard) this.home();
  }

  /**
   * @param {string} text
   * @param {string} kind
   * @param {Element} sign
   */
  #show(text, kind, sign) {
    clearTimeout(this.timer);
    if (this.#holdsKeyboard) this.#giveBack();
    else this.before = /** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement;
    this.element.className = `notice is-shown ${kind}`;
    fill(this.element, sign, h("span", { class: "notice-text" }, text));
  }
}
