/** What ComfyUI has made: pictures of its output folder, to be taken into the gallery. */

import { ApiError, api, words } from "../data/api.js";
import { fill, h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { failure, state } from "../parts/states.js";

/** @typedef {{path: string, name: string, size: number, modified: string, type: string}} OutputFile */

const PAGE = 60;
const TYPING_PAUSE = 200;
const GREY_AFTER = 150;

export class OutputFolder {
  /** @param {{notice: import("../parts/notice.js").Notice, model: () => number}} acts */
  constructor(acts) {
    this.acts = acts;
    /** @type {OutputFile[]} */
    this.files = [];
    this.total = 0;
    /** @type {Set<string>} paths */
    this.chosen = new Set();
    this.asked = 0;
    this.field = h("input", {
      class: "field",
      type: "search",
      placeholder: "Folder or name",
      "aria-label": "Search the output folder by path",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#typed(),
    });
    this.add = h("button", { class: "button main", type: "button", onclick: () => this.#add() });
    this.more = h(
      "button",
      { class: "button", type: "button", hidden: true, onclick: () => this.#load(this.files.length) },
      "Show more",
    );
    this.place = h("div", { class: "state-place" });
    this.grid = h("div", { class: "output-grid", role: "group", "aria-label": "Output folder" });
    this.element = h(
      "section",
      { class: "stack output" },
      h("h3", {}, "From ComfyUI's output folder"),
      h("div", { class: "field-row" }, this.field, this.add),
      this.place,
      this.grid,
      this.more,
    );
    this.#drawAdd();
  }

  /** Look into the folder anew. */
  read() {
    this.chosen.clear();
    this.#drawAdd();
    return this.#load(0);
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#load(0), TYPING_PAUSE);
  }

  /** @param {number} offset */
  async #load(offset) {
    this.asked += 1;
    const mine = this.asked;
    if (!offset) this.files = [];
    const grey = setTimeout(() => fill(this.grid, ...greySquares()), offset ? 1e9 : GREY_AFTER);
    try {
      const { files, total } = await api.output(this.field.value.trim(), PAGE, offset);
      if (mine !== this.asked) return;
      this.files = offset ? [...this.files, ...files] : files;
      this.total = total;
      fill(this.place, !total && this.#nothing());
      this.#draw();
    } catch (error) {
      if (mine !== this.asked) return;
      if (!(error instanceof ApiError)) console.error(error);
      fill(this.grid);
      this.more.hidden = true;
      fill(this.place, failure("The output folder could not be read", error, () => this.#load(offset)));
    } finally {
      clearTimeout(grey);
    }
  }

  #nothing() {
    if (this.field.value.trim()) return state("search", "Nothing found", "No file there has that name.");
    return state("folder", "The output folder is empty", "What ComfyUI saves can be taken from here.");
  }

  #draw() {
    fill(this.grid, ...this.files.map((file) => this.#square(file)));
    this.more.hidden = this.files.length >= this.total;
  }

  /** @param {OutputFile} file */
  #square(file) {
    const { path, name, size, type } = file;
    const when = new Date(file.modified);
    const shownWhen = Number.isNaN(+when) ? "" : when.toLocaleString();
    const square = h(
      "button",
      {
        class: "output-file",
        type: "button",
        title: [path, sizeText(size), shownWhen].filter(Boolean).join("\n"),
        "aria-label": name,
        "aria-pressed": String(this.chosen.has(path)),
        onclick: () => {
          if (!this.chosen.delete(path)) this.chosen.add(path);
          square.setAttribute("aria-pressed", String(this.chosen.has(path)));
          this.#drawAdd();
        },
      },
      h("img", { src: api.outputThumb(path), alt: "", loading: "lazy", decoding: "async" }),
      type === "video" && h("span", { class: "card-badge" }, icon("video")),
      h("span", { class: "output-mark" }, icon("check")),
    );
    return square;
  }

  #drawAdd() {
    const count = this.chosen.size;
    this.add.disabled = !count;
    this.add.textContent = count ? `Add ${count}` : "Add";
  }

  async #add() {
    const paths = [...this.chosen];
    this.add.disabled = true;
    try {
      const { items, failed } = await api.addFromOutput(paths, this.acts.model());
      this.chosen = new Set(failed.map(({ path }) => path));
      const [first] = failed;
      if (first) this.acts.notice.failed(`${first.path}: ${first.error}`);
      else this.acts.notice.done(`${countText(items.length, "picture")} in the gallery`);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.acts.notice.failed(words(error));
    }
    this.#draw();
    this.#drawAdd();
  }
}

const greySquares = () => Array.from({ length: 6 }, () => h("span", { class: "output-file is-grey" }));
