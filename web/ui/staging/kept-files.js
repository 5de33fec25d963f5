/** Files that the server keeps to be downloaded: exports, backups. */

import { ApiError, words } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { iconButton } from "../parts/buttons.js";
import { confirm } from "../parts/confirm.js";
import { fill, h } from "../parts/dom.js";
import { sizeText } from "../parts/figures.js";

/** @typedef {{name: string, size_bytes: number, created: number}} Kept `created` in ms */

export class KeptFiles {
  /**
   * @param {object} about
   * @param {import("../parts/notice.js").Notice} about.notice
   * @param {string} about.none what is said where there are none
   * @param {() => Promise<Kept[]>} about.read the newest first
   * @param {(name: string) => string} about.address
   * @param {(name: string) => Promise<unknown>} [about.remove]
   */
  constructor(about) {
    this.about = about;
    this.attempt = attempts(about.notice);
    this.element = h("ul", { class: "plain-list" });
  }

  async read() {
    try {
      const kept = await this.about.read();
      const none = !kept.length && this.about.none && h("li", { class: "hint" }, this.about.none);
      fill(this.element, none, ...kept.map((each) => this.#row(each)));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      fill(this.element, h("li", { class: "problem" }, words(error)));
    }
  }

  /** @param {Kept} file */
  #row({ name, size_bytes: bytes, created }) {
    const when = new Date(created).toLocaleString();
    const { address, remove } = this.about;
    return h(
      "li",
      { class: "plain-row" },
      h("span", { class: "entry-words" }, when, h("span", { class: "entry-facts" }, sizeText(bytes))),
      h(
        "span",
        { class: "kept-acts" },
        h("a", { class: "link", href: address(name), download: name, "aria-label": `Download the file of ${when}` }, "download"),
        remove && iconButton("trash", `Delete the file of ${when}`, () => this.#remove(name, when)),
      ),
    );
  }

  /**
   * @param {string} name
   * @param {string} when
   */
  async #remove(name, when) {
    const { remove } = this.about;
    const question = { title: "Delete this file", text: `The file of ${when} is deleted for good.`, act: "Delete" };
    if (!remove || !(await confirm(this.element, question))) return;
    await this.attempt(async () => void (await remove(name)));
    await this.read();
  }
}
