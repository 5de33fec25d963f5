/** The tab of the catalog: search, filters, the list by category, and the screens behind ⋯. */

import { ApiError, api, words } from "../data/api.js";
import { keyNeeded } from "../gallery/states.js";
import { chip, iconButton } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { SearchBox } from "../parts/search-box.js";
import { Sheets } from "../parts/sheet.js";
import { failure, greyRows } from "../parts/states.js";
import { ImportScreen } from "../exchange/import-screen.js";
import { TrashScreen } from "../trash/trash-screen.js";
import { figures, filterEntries, groupRows } from "./entries.js";
import { EntryList } from "./entry-list.js";
import { banner, noModels, noneFound, problemText, stale } from "./wanted-states.js";

/** @typedef {import("../shell/screen.js").Screen} Screen */

const TYPING_PAUSE = 120;
const GREY_AFTER = 150;

/** @implements {Screen} */
export class WantedScreen {
  name = "wanted";
  title = "Wanted";

  /** @param {import("../shell/screen.js").Shell} shell */
  constructor({ catalog, entryActs: acts, notice, add, settings, unlocked }) {
    this.catalog = catalog;
    this.acts = acts;
    this.add = add;
    this.unlocked = unlocked;
    /** @type {import("./entries.js").Wanted} */
    this.wanted = { text: "", only: "", category: "" };
    this.box = new SearchBox({
      placeholder: "Name, file, tag, base model",
      label: "Search the catalog by name, file, tag or base model",
      pause: TYPING_PAUSE,
      typed: () => this.#set({}),
    });
    this.search = this.box.element;
    this.field = this.box.field;
    this.missing = chip("Missing", "Only what is not here", () => this.#toggle("missing"));
    this.failed = chip("Failed", "Only what has failed", () => this.#toggle("failed"));
    this.category = h("button", { class: "chip", type: "button", onclick: () => this.#chooseCategory() });
    this.chips = h(
      "div",
      { class: "chips", role: "group", "aria-label": "Filters" },
      this.missing,
      this.failed,
      this.category,
    );
    this.summary = h("span", { class: "wanted-summary" });
    this.getAll = h(
      "button",
      { class: "button small", type: "button", onclick: () => this.#getAll() },
      "Get all missing",
    );
    this.more = iconButton("more", "More of the catalog", () => openMenu(this.more, this.#menu()));
    this.problems = h("div", { class: "wanted-problems" });
    this.place = h("div", { class: "state-place" });
    this.list = new EntryList(acts, settings);
    const acting = { notice, close: () => this.close(), changed: () => catalog.read() };
    this.trash = new TrashScreen(acting);
    this.import = new ImportScreen(acting);
    this.main = h(
      "div",
      { class: "wanted-list" },
      this.chips,
      h("div", { class: "wanted-bar" }, this.summary, this.getAll, this.more),
      this.problems,
      this.place,
      this.list.element,
    );
    this.sheets = new Sheets(this.main, [this.trash, this.import]);
    this.element = h(
      "div",
      { class: "wanted", id: "screen-wanted", role: "tabpanel", "aria-label": "Wanted", hidden: true },
      this.main,
      this.trash.element,
      this.import.element,
    );
    this.count = h("span", { class: "count" });
    this.shownState = "";
    catalog.addEventListener("change", () => this.#changed());
    catalog.addEventListener("progress", () => this.#changed());
    this.#draw();
  }

  /** What is shown is the panel's catalog, which the panel reads. */
  start() {}

  /** It is looked at from now on. */
  shown() {
    this.#draw();
  }

  destroy() {
    this.box.stop();
    clearTimeout(this.greyTimer);
    this.list.destroy();
  }

  /** @param {string} topic */
  hear(topic) {
    if (topic === "trash" || topic === "reset") this.trash.touch();
  }

  /** @returns {boolean} whether there was something to close */
  close() {
    if (!this.sheets.close()) return false;
    this.more.focus({ preventScroll: true });
    this.#draw();
    return true;
  }

  /**
   * Show the entries of this file.
   * @param {string} file
   */
  find(file) {
    this.close();
    this.box.set(file);
    this.#set({ text: file, only: "", category: "" });
  }

  focusSearch() {
    this.close();
    this.box.focus();
  }

  #menu() {
    return [
      { text: "Import …", act: () => this.sheets.open(this.import) },
      { text: "Export", href: api.exported, name: "catalogs.json" },
      { text: "Look for newer versions", act: () => this.acts.checkUpdates() },
      { text: "Ask for metadata again", act: () => this.acts.fetchMetadata() },
      { text: "Trash", act: () => this.sheets.open(this.trash) },
    ];
  }

  /** @param {"missing" | "failed"} only */
  #toggle(only) {
    this.#set({ only: this.wanted.only === only ? "" : only });
  }

  #chooseCategory() {
    const names = [...new Set(this.catalog.entries.map((entry) => entry.category))];
    const entries = names.map((name) => ({ text: name, act: () => this.#set({ category: name }) }));
    openMenu(this.category, [{ text: "All categories", act: () => this.#set({ category: "" }) }, ...entries]);
  }

  #clear() {
    this.box.set("");
    this.#set({ text: "", only: "", category: "" });
  }

  /** @param {Partial<import("./entries.js").Wanted>} changes */
  #set(changes) {
    // What was typed a moment ago counts too.
    this.wanted = { ...this.wanted, text: this.box.take(), ...changes };
    this.#draw(true);
  }

  async #getAll() {
    await this.acts.getAll(this.element, this.#chosen());
  }

  /** What "all" means: of the category that is chosen, as far as the search finds it. */
  #chosen() {
    return filterEntries(this.catalog.entries, { ...this.wanted, only: "" });
  }

  #changed() {
    const { missing } = figures(this.catalog.entries);
    this.count.textContent = missing ? missing.toLocaleString("en") : "";
    this.count.title = missing ? `${missing.toLocaleString("en")} missing` : "";
    this.#draw();
  }

  #draw(rewind = false) {
    if (this.element.hidden || this.sheets.isOpen) return;
    const { entries } = this.catalog;
    const all = figures(entries);
    this.#drawChips(all.missing, all.failed);
    this.#drawSummary(all.total, all.missing);
    this.#drawProblems();
    const found = filterEntries(entries, this.wanted);
    this.list.show(groupRows(found), rewind);
    this.#drawState(found.length);
  }

  /**
   * @param {number} missing
   * @param {number} failed
   */
  #drawChips(missing, failed) {
    const { only, category } = this.wanted;
    fill(this.missing, "Missing ", h("span", { class: "count" }, missing.toLocaleString("en")));
    fill(this.failed, "Failed ", h("span", { class: "count" }, failed.toLocaleString("en")));
    this.failed.hidden = !failed && only !== "failed";
    this.missing.setAttribute("aria-pressed", String(only === "missing"));
    this.failed.setAttribute("aria-pressed", String(only === "failed"));
    fill(this.category, h("span", {}, category || "Category"), icon("down"));
    this.category.classList.toggle("is-on", Boolean(category));
    this.category.title = category ? `Only ${category}` : "Choose a category";
  }

  /**
   * @param {number} total
   * @param {number} missing
   */
  #drawSummary(total, missing) {
    const { get, bytes } = figures(this.#chosen());
    const here = (total - missing).toLocaleString("en");
    const text = missing ? `${here} of ${total.toLocaleString("en")} here` : "All here";
    this.summary.textContent = total ? text : "";
    const size = bytes ? `, ${sizeText(bytes)}` : "";
    this.getAll.hidden = !get.length;
    const label = `Get all ${get.length.toLocaleString("en")} missing${size}`;
    this.getAll.title = label;
    this.getAll.setAttribute("aria-label", label);
    fill(this.getAll, "Get all", h("span", { class: "wide-only" }, label.slice("Get all".length)));
  }

  #drawProblems() {
    const shown = this.catalog.problems.map(problemText);
    if (this.problems.dataset.shown === shown.join("\n")) return;
    this.problems.dataset.shown = shown.join("\n");
    fill(this.problems, ...shown.map((text) => banner(text)));
  }

  /** @param {number} found */
  #drawState(found) {
    const { state: now, error, entries } = this.catalog;
    let kind = "";
    if (now === "failed" && error instanceof ApiError && error.status === 401) kind = "key";
    else if (now === "failed" && !entries.length) kind = `failed ${words(error)}`;
    else if (now === "failed") kind = `stale ${words(error)}`;
    else if (now === "loading") kind = "loading";
    else if (!entries.length) kind = "empty";
    else if (!found) kind = "none";
    if (kind === this.shownState) return;
    this.shownState = kind;
    clearTimeout(this.greyTimer);
    const bare = ["key", "loading", "empty"].includes(kind) || kind.startsWith("failed");
    this.main.classList.toggle("is-bare", bare);
    fill(this.place, this.#stateElement(kind, error));
    if (kind === "loading") {
      // What comes at once needs no grey in between.
      this.greyTimer = setTimeout(() => fill(this.place, greyRows(8)), GREY_AFTER);
    }
  }

  /**
   * @param {string} kind
   * @param {unknown} error
   */
  #stateElement(kind, error) {
    const retry = () => this.catalog.read();
    if (kind === "key") return keyNeeded(this.unlocked);
    if (kind.startsWith("failed")) return failure("The catalog could not be read", error, retry);
    if (kind.startsWith("stale")) return stale(error, retry);
    if (kind === "empty") return noModels(() => this.add());
    if (kind === "none") return noneFound(() => this.#clear());
    return null;
  }
}
