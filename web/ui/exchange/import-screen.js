/** Bringing in a catalog from a file: what would happen is shown before it does. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { dropZone } from "../parts/drop-zone.js";
import { countText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { sheet } from "../parts/sheet.js";

/**
 * @typedef {{file: string, dest: string, category: string, catalog: string, result: string,
 *   reason?: string | null}} Line what happens to one entry of the file
 * @typedef {{total_added: number, entries: Line[]}} Told
 * @typedef {import("../wanted/entries.js").CatalogName} CatalogName
 */

const SHOWN = 500;

export class ImportScreen {
  /** @param {{notice: import("../parts/notice.js").Notice, close: () => void, changed: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    /** @type {File | null} */
    this.file = null;
    this.target = h(
      "select",
      { class: "field", "aria-label": "Into which catalog", onchange: () => this.#plan() },
      h("option", { value: "models" }, "Into the models"),
      h("option", { value: "loras" }, "Into the LoRAs"),
    );
    this.zone = dropZone({
      text: "A catalog as JSON, from an export or from ComfyUI Studio. Drop it here, or:",
      accept: ".json,application/json",
      take: ([file]) => this.#take(file),
    });
    this.plan = h("div", { class: "import-plan", "aria-live": "polite" });
    const way = { back: "Back to the catalog", close: acts.close };
    this.element = sheet("Import", way, [], this.zone.element, this.plan).element;
  }

  show() {
    this.element.hidden = false;
    this.file = null;
    fill(this.plan);
    this.zone.button.focus({ preventScroll: true });
  }

  /** @param {File | undefined} file */
  #take(file) {
    if (!file) return;
    this.file = file;
    this.#plan();
  }

  get catalog() {
    return /** @type {CatalogName} */ (this.target.value);
  }

  async #plan() {
    const { file } = this;
    if (!file) return;
    fill(this.plan, h("p", { class: "hint" }, `Reading ${file.name} …`));
    try {
      const told = await api.importCatalog(file, this.catalog, true);
      if (file === this.file) this.#draw(file, told);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      fill(
        this.plan,
        h("p", { class: "problem", role: "alert" }, icon("warning"), `${file.name}: ${words(error)}`),
        h("button", { class: "button", type: "button", onclick: () => this.#plan() }, "Retry"),
      );
    }
  }

  /**
   * @param {File} file
   * @param {Told} told
   */
  #draw(file, { total_added: count, entries }) {
    const problem = h("p", { class: "problem", role: "alert" });
    const go = h(
      "button",
      { class: "button main", type: "button", disabled: !count, onclick: () => this.#import(go, problem) },
      count ? `Import ${countText(count, "entry", "entries")}` : "Nothing to import",
    );
    const skipped = entries.length - count;
    const lines = [
      ...entries.filter((line) => line.result !== "added"),
      ...entries.filter((line) => line.result === "added"),
    ];
    fill(
      this.plan,
      h("h3", {}, file.name),
      h("p", {}, `${count} added, ${skipped} skipped`),
      h("div", { class: "field-row" }, this.target, go),
      problem,
      h("ul", { class: "trash-list" }, ...lines.slice(0, SHOWN).map(lineRow)),
      lines.length > SHOWN && h("p", { class: "hint" }, `and ${lines.length - SHOWN} more`),
    );
  }

  /**
   * @param {HTMLButtonElement} go
   * @param {HTMLElement} problem
   */
  async #import(go, problem) {
    if (!this.file) return;
    go.disabled = true;
    problem.textContent = "";
    try {
      const { total_added: count } = await api.importCatalog(this.file, this.catalog, false);
      this.acts.notice.done(`${countText(count, "entry", "entries")} imported`);
      this.acts.close();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      problem.textContent = words(error);
      go.disabled = false;
    }
    this.acts.changed();
  }
}

/** @param {Line} line */
function lineRow({ file, dest, category, result, reason }) {
  const added = result === "added";
  const said = added ? `Added to ${category}` : `Skipped: ${reason || "here already"}`;
  return h(
    "li",
    { class: `import-line ${added ? "is-added" : ""}` },
    icon(added ? "plus" : "close"),
    h("span", { class: "entry-name", title: `${dest}/${file}` }, file),
    h("span", { class: "entry-facts" }, said),
  );
}
