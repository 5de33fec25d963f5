/** The line above the pictures: what this list is, its run, and the acts of the whole gallery. */

import { iconButton } from "../parts/buttons.js";
import { h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { openMenu } from "../parts/menu.js";
import { advice } from "../wanted/entries.js";
import { runWords, share } from "./run-facts.js";

/**
 * @typedef {object} BarActs
 * @property {() => void} get open what is to be fetched
 * @property {() => void} stop
 * @property {() => void} failures
 * @property {() => void} settings
 * @property {() => import("../parts/menu.js").Entry[]} menu
 */

export class RunBar {
  /**
   * @param {import("./run.js").Run} run
   * @param {BarActs} acts
   */
  constructor(run, acts) {
    this.run = run;
    this.figures = h("span", { class: "bar-figures" });
    this.status = h("span", { class: "bar-status", role: "status" });
    this.failures = h(
      "button",
      { class: "link", type: "button", hidden: true, onclick: acts.failures },
      "Failed ones",
    );
    this.settings = h(
      "button",
      { class: "link", type: "button", hidden: true, onclick: acts.settings },
      "Open settings",
    );
    const button = (/** @type {string} */ text, /** @type {() => void} */ act) =>
      h("button", { class: "button small", type: "button", onclick: act }, text);
    this.get = button("Get pictures", acts.get);
    this.stop = button("Stop", acts.stop);
    this.more = iconButton("more", "More of the gallery", () => openMenu(this.more, acts.menu()));
    this.progress = h("div", { class: "bar" }, h("span"));
    this.element = h(
      "div",
      { class: "gallery-bar" },
      h("div", { class: "bar-words" }, this.figures, this.status, this.settings, this.failures),
      this.get,
      this.stop,
      this.more,
      this.progress,
    );
    run.addEventListener("change", () => this.#drawRun());
    this.#drawRun();
  }

  /**
   * @param {number} total
   * @param {boolean} known whether the total is
   */
  showTotal(total, known) {
    this.figures.textContent = known && total ? countText(total, "picture") : "";
  }

  #drawRun() {
    const { facts, modelId, isGoing } = this.run;
    // Model 0 is where pictures without a known LoRA are: there is nothing to ask CivitAI for.
    this.get.hidden = !modelId || isGoing;
    this.stop.hidden = !isGoing;
    this.stop.disabled = facts?.status === "stopping";
    const text = facts ? runWords(facts) : "";
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.classList.toggle("is-failed", Boolean(facts?.error && !isGoing));
    this.status.title = text;
    // Nobody wants to hear every number on the way.
    this.status.setAttribute("aria-live", isGoing ? "off" : "polite");
    this.settings.hidden = !advice(facts?.error ?? "").settings;
    this.failures.hidden = !this.run.failed.count;
    this.progress.hidden = !isGoing;
    this.progress.style.setProperty("--done", String(facts ? share(facts) : 0));
  }
}
