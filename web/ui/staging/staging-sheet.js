/** What waits to become part of the library: chosen, imported, and what is there already decided. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { sheet } from "../parts/sheet.js";
import { failure, greyRows, state } from "../parts/states.js";
import { titleOf, typeName } from "../models/names.js";

/**
 * @typedef {import("../data/library-calls.js").Pending} Pending
 * @typedef {import("../data/library-calls.js").Strategy} Strategy
 * @typedef {import("../data/library-calls.js").Imported} Imported
 */

const SHOWN = 500;
const AT_ONCE = 50;
const GREY_AFTER = 150;

/** @type {readonly (readonly [Strategy, string, string])[]} */
const STRATEGIES = [
  ["override", "Override", "What was staged replaces the texts and tags in the library."],
  ["merge", "Merge", "What is empty in the library is filled; what is there stays."],
  ["ignore", "Ignore", "Nothing changes; it goes on waiting."],
  ["delete", "Delete", "It leaves staging. The library and the file stay."],
];

export class StagingSheet {
  /** @param {{notice: import("../parts/notice.js").Notice, close: () => void}} acts */
  constructor({ notice, close }) {
    this.notice = notice;
    /** @type {Pending[]} */
    this.models = [];
    this.total = 0;
    /** @type {Set<number>} */
    this.chosen = new Set();
    /** @type {Imported["conflict"]} */
    this.conflicts = [];
    this.busy = false;
    this.place = h("div", { class: "state-place" });
    this.list = h("ul", { class: "plain-list" });
    this.all = h("input", { type: "checkbox", onchange: () => this.#chooseAll(this.all.checked) });
    this.allText = h("span", {});
    this.go = h("button", { class: "button small main", type: "button", onclick: () => this.#import() }, "Import");
    this.look = h("button", { class: "button small", type: "button", onclick: () => this.#stage() }, "Look for files");
    this.bar = h("div", { class: "staging-bar" }, h("label", { class: "check" }, this.all, this.allText), h("span", { class: "spacer" }), this.look, this.go);
    this.told = h("p", { class: "report-line", role: "status" });
    this.decide = h("div", { class: "decide" });
    const way = { back: "Back to the models", close };
    const lead = h("p", { class: "lead" }, "Files that no record has taken up, and what an older database knew. Imported, they keep what you write about them, wherever they go.");
    const made = sheet("Staging", way, [], lead, this.bar, this.told, this.decide, this.place, this.list);
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    this.told.textContent = "";
    this.#setConflicts([]);
    this.#read();
  }

  /** Something of it may have changed. */
  touch() {
    if (!this.element.hidden && !this.busy) this.#read();
  }

  async #read() {
    clearTimeout(this.timer);
    if (!this.models.length) this.timer = setTimeout(() => fill(this.place, greyRows(4)), GREY_AFTER);
    try {
      const { models, total } = await api.pending(SHOWN, 0);
      this.models = models;
      this.total = total;
      const there = new Set(models.map(({ id }) => id));
      this.chosen = new Set([...this.chosen].filter((id) => there.has(id)));
      this.#draw();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      clearTimeout(this.timer);
      this.bar.hidden = true;
      fill(this.list);
      fill(this.place, failure("What is staged could not be read", error, () => this.#read()));
    }
  }

  #draw() {
    clearTimeout(this.timer);
    this.bar.hidden = false;
    fill(this.place, !this.total && state("model", "Nothing waits", "Look for files to stage every model that you have not taken up yet."));
    const more = this.total - this.models.length;
    fill(this.list, ...this.models.map((model) => this.#row(model)), more > 0 && h("li", { class: "hint" }, `and ${more.toLocaleString("en")} more, shown when these are imported`));
    this.#drawBar();
  }

  #drawBar() {
    const { size } = this.chosen;
    this.all.checked = size > 0 && size === this.models.length;
    this.all.indeterminate = size > 0 && size < this.models.length;
    this.all.disabled = !this.models.length;
    this.allText.textContent = size ? `${size} of ${this.total.toLocaleString("en")}` : `${this.total.toLocaleString("en")} waiting`;
    this.go.textContent = size ? `Import ${size}` : "Import";
    this.go.disabled = !size || this.busy;
    this.look.disabled = this.busy;
  }

  /** @param {Pending} model */
  #row({ id, name, type, tags, image }) {
    const box = h("input", {
      type: "checkbox",
      checked: this.chosen.has(id),
      onchange: () => {
        if (box.checked) this.chosen.add(id);
        else this.chosen.delete(id);
        this.#drawBar();
      },
    });
    const labels = tags.map((tag) => (typeof tag === "string" ? tag : tag.name));
    return h(
      "li",
      {},
      h(
        "label",
        { class: "staging-row" },
        box,
        image ? h("img", { src: api.pendingImage(id), alt: "", loading: "lazy" }) : h("span", { class: "staging-sign" }, icon("model")),
        h(
          "span",
          { class: "entry-words" },
          h("span", { class: "staging-name", title: name }, titleOf({ name, file: "" })),
          h("span", { class: "entry-facts" }, [typeName(type), ...labels].filter(Boolean).join(" · ")),
        ),
      ),
    );
  }

  /** @param {boolean} on */
  #chooseAll(on) {
    this.chosen = new Set(on ? this.models.map(({ id }) => id) : []);
    this.#draw();
  }

  async #stage() {
    await this.#work("Looking through the folders …", async () => {
      const { pending_added: added } = await api.stageModels();
      this.told.textContent = added ? `${countText(added, "file")} staged` : "Nothing new";
    });
  }

  #import() {
    return this.#run([...this.chosen], null);
  }

  /**
   * Some at a time: files are read whole, and an answer is to come before a browser gives up.
   * @param {number[]} ids
   * @param {Strategy | null} strategy
   */
  async #run(ids, strategy) {
    /** @type {Record<string, number>} */
    const sums = { imported: 0, ignored: 0, deleted: 0 };
    /** @type {Imported["conflict"]} */
    const conflicts = [];
    /** @type {Imported["failed"]} */
    const failed = [];
    await this.#work("Importing …", async () => {
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        this.told.textContent = `Importing ${at.toLocaleString("en")} of ${ids.length.toLocaleString("en")} …`;
        const part = await api.importPending(ids.slice(at, at + AT_ONCE), strategy);
        sums.imported = (sums.imported ?? 0) + part.success.length;
        sums.ignored = (sums.ignored ?? 0) + (part.ignored?.length ?? 0);
        sums.deleted = (sums.deleted ?? 0) + (part.deleted?.length ?? 0);
        conflicts.push(...part.conflict);
        failed.push(...part.failed);
      }
    });
    const parts = Object.entries(sums).filter(([, count]) => count).map(([name, count]) => `${count.toLocaleString("en")} ${name}`);
    if (conflicts.length) parts.push(`${conflicts.length} here already`);
    for (const { id, error } of failed.slice(0, 5)) parts.push(`${this.#nameOf(id)}: ${error}`);
    if (failed.length > 5) parts.push(`${failed.length - 5} more failed`);
    if (parts.length) this.told.textContent = parts.join(" · ");
    const done = new Set(ids);
    this.#setConflicts(strategy ? [...this.conflicts.filter(({ pending }) => !done.has(pending.id)), ...conflicts] : conflicts);
  }

  /** @param {number} id */
  #nameOf(id) {
    return titleOf({ name: this.models.find((model) => model.id === id)?.name ?? String(id), file: "" });
  }

  /**
   * @param {string} doing
   * @param {() => Promise<void>} work
   */
  async #work(doing, work) {
    this.busy = true;
    this.told.textContent = doing;
    this.#drawBar();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.told.textContent = "";
      this.notice.failed(words(error));
    }
    this.busy = false;
    await this.#read();
  }

  /**
   * What is in the library already, with the four ways to go on side by side.
   * @param {Imported["conflict"]} conflicts
   */
  #setConflicts(conflicts) {
    this.conflicts = conflicts;
    if (!conflicts.length) return fill(this.decide);
    const ids = conflicts.map(({ pending }) => pending.id);
    fill(
      this.decide,
      h("h3", {}, `${countText(conflicts.length, "model")} ${conflicts.length === 1 ? "is" : "are"} in the library already`),
      h(
        "div",
        { class: "strategies" },
        ...STRATEGIES.map(([strategy, name, about]) =>
          h(
            "button",
            { class: "strategy", type: "button", onclick: () => this.#run(ids, strategy) },
            h("b", {}, name),
            h("span", {}, about),
          ),
        ),
      ),
      h(
        "ul",
        { class: "plain-list" },
        ...conflicts.slice(0, SHOWN).map(({ pending, existing }) =>
          h(
            "li",
            { class: "conflict" },
            h("div", {}, h("span", { class: "conflict-side" }, "Staged"), h("span", {}, pending.path)),
            h("div", {}, h("span", { class: "conflict-side" }, "Library"), h("span", {}, existing.path)),
            h(
              "div",
              { class: "conflict-acts" },
              ...STRATEGIES.map(([strategy, name]) =>
                h("button", { class: "link", type: "button", "aria-label": `${name}: ${pending.path}`, onclick: () => this.#run([pending.id], strategy) }, name.toLowerCase()),
              ),
            ),
          ),
        ),
      ),
    );
  }
}
