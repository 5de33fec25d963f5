/** One entry of the catalog as a row of the list. */

import { iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { leftText, rateText, sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { advice, STATE_WORDS } from "./entries.js";
import { mainAct } from "./entry-acts.js";

/**
 * @typedef {import("./entries.js").Entry} Entry
 * @typedef {import("./entry-acts.js").Acts} Acts
 */

/** @type {Record<import("./entries.js").State, import("../parts/icons.js").IconName>} */
const SIGNS = {
  present: "check",
  missing: "ring",
  queued: "clock",
  downloading: "get",
  paused: "pause",
  error: "warning",
  partial: "half",
};

export class EntryRow {
  /**
   * @param {Acts} acts
   * @param {() => void} settings
   */
  constructor(acts, settings) {
    this.acts = acts;
    this.settings = settings;
    /** @type {Entry | null} */
    this.entry = null;
    this.sign = h("span", { class: "entry-sign" });
    this.name = h("span", { class: "entry-name" });
    this.badge = h("span", { class: "entry-badge", hidden: true });
    this.word = h("span", { class: "entry-state" });
    this.rest = h("span");
    this.facts = h("span", { class: "entry-facts" }, this.word, this.rest);
    this.problem = h("span", { class: "entry-problem", hidden: true });
    this.main = h("span", { class: "entry-main" });
    this.more = iconButton("more", "More", () => this.openMenu(), "entry-more");
    this.bar = h("div", { class: "bar" }, h("span"));
    this.element = h(
      "div",
      { class: "entry", role: "listitem" },
      this.sign,
      h(
        "span",
        { class: "entry-words" },
        h("span", { class: "entry-title" }, this.name, this.badge),
        this.facts,
      ),
      h("span", { class: "entry-acts" }, this.main, this.more),
      this.problem,
      this.bar,
    );
    this.shown = "";
  }

  /** @param {Entry} entry */
  show(entry) {
    const { item, state } = entry;
    this.entry = entry;
    const name = item.name || item.file;
    set(this.name, name);
    this.name.title = `${name}\n${item.dest}/${item.file}`;
    this.#showFacts(entry);
    const update = item.update ? `${item.update.name} ↑` : "";
    set(this.badge, update);
    this.badge.hidden = !update;
    this.badge.title = update && "There is a newer version";
    this.problem.hidden = state !== "error";
    const moving = ["queued", "downloading", "paused"].includes(state);
    this.bar.hidden = !moving;
    this.bar.style.setProperty("--done", String(entry.total ? Math.min(1, entry.done / entry.total) : 0));
    const shown = `${entry.key} ${state} ${entry.error} ${Boolean(mainAct(entry))}`;
    if (shown === this.shown) return;
    this.shown = shown;
    this.element.dataset.state = state;
    this.more.setAttribute("aria-label", `More of ${name}`);
    fill(this.sign, icon(SIGNS[state]));
    this.#showProblem(entry);
    this.#showMain(entry);
  }

  openMenu() {
    if (this.entry) openMenu(this.more, this.acts.menu(this.element, this.entry));
  }

  /** @param {Entry} entry */
  #showFacts(entry) {
    const { item, state, done, total } = entry;
    const size = total ? sizeText(state === "present" ? done : total) : "";
    /** @type {(string | false | null)[]} */
    let facts;
    if (state === "downloading") {
      facts = [
        total ? `${Math.floor((100 * done) / total)} %` : sizeText(done),
        entry.rate > 0 && rateText(entry.rate),
        entry.left !== null && leftText(entry.left),
      ];
    } else if (state === "paused" && done) {
      facts = [total ? `${sizeText(done)} of ${size}` : sizeText(done), item.base_model];
    } else {
      facts = [size, item.base_model];
    }
    const rest = facts.filter(Boolean).join(" · ");
    set(this.word, STATE_WORDS[state] + (rest && " · "));
    set(this.rest, rest);
  }

  /** @param {Entry} entry */
  #showProblem(entry) {
    if (entry.state !== "error") return fill(this.problem);
    const { text, settings } = advice(entry.error);
    this.problem.title = entry.error;
    fill(
      this.problem,
      h("span", { class: "entry-error" }, entry.error || "It failed.", text && !settings && ` ${text}`),
      settings &&
        h("button", { class: "link", type: "button", onclick: () => this.settings() }, "Open settings"),
    );
  }

  /** @param {Entry} entry */
  #showMain(entry) {
    const main = mainAct(entry);
    const focused = this.main.matches(":focus-within");
    const act = () => this.entry && main && this.acts.transfer(this.entry, main.act);
    const cancel = () => this.entry && this.acts.transfer(this.entry, "cancel");
    const label = main && `${main.text} ${entry.item.name || entry.item.file}`;
    fill(
      this.main,
      main?.text === "Get"
        ? h("button", { class: "button small", type: "button", "aria-label": label, onclick: act }, main.text)
        : main && iconButton(main.icon, main.text, act, "entry-act"),
      ["queued", "downloading", "paused", "error"].includes(entry.state) &&
        iconButton("close", "Cancel", cancel, "entry-cancel"),
    );
    const button = this.main.querySelector("button");
    if (label) button?.setAttribute("aria-label", label);
    if (focused) button?.focus({ preventScroll: true });
  }
}

/**
 * Unchanged text is not touched: selections and screen readers stay where they are.
 * @param {Element} element
 * @param {string} text
 */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
