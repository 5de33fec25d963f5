/** The pictures that a run could not fetch, and why. */

import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { sheet } from "../parts/sheet.js";
import { state } from "../parts/states.js";
import { civitaiPage } from "../picture/facts.js";

/** @typedef {import("./run-facts.js").Failure} Failure */

export class FailuresSheet {
  /** @param {{close: () => void, again: () => void}} acts `again`: get what is missing */
  constructor(acts) {
    this.again = h(
      "button",
      { class: "button small", type: "button", hidden: true, onclick: acts.again },
      "Try again",
    );
    this.place = h("div", { class: "state-place" });
    this.list = h("ul", { class: "plain-list" });
    this.rest = h("p", { class: "hint" });
    const way = { back: "Back to the pictures", close: acts.close };
    const head = [h("span", { class: "spacer" }), this.again];
    const made = sheet("Failed pictures", way, head, this.place, this.list, this.rest);
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
  }

  /**
   * @param {Failure[]} failures
   * @param {number} count of them, of which only the first may be told
   */
  tell(failures, count) {
    this.again.hidden = !failures.length;
    fill(
      this.place,
      !failures.length && state("check", "Nothing has failed", "Every picture that was asked for is here."),
    );
    fill(this.list, ...failures.map(row));
    this.rest.textContent = count > failures.length ? `and ${count - failures.length} more` : "";
  }
}

/** @param {Failure} failure */
function row({ id, page, reason }) {
  const address = civitaiPage(page);
  return h(
    "li",
    { class: "plain-row is-failed" },
    icon("warning"),
    h(
      "span",
      { class: "entry-words" },
      address
        ? h("a", { class: "entry-name", href: address, target: "_blank", rel: "noopener noreferrer" }, id)
        : h("span", { class: "entry-name" }, id),
      h("span", { class: "entry-facts is-whole" }, reason),
    ),
  );
}
