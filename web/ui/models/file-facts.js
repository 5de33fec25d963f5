/** What is known of the file of the opened model. */

import { ApiError, api, words } from "../data/api.js";
import { fileName, fill, h } from "../parts/dom.js";
import { sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { pair } from "./model-parts.js";
import { parameterText } from "./names.js";

/** @typedef {import("../data/library-calls.js").FullModel} FullModel */

export class FileFacts {
  /** @param {(text: string) => void} copy */
  constructor(copy) {
    this.copy = copy;
    this.key = "";
    this.facts = h("div", { class: "model-facts" });
    this.header = h("details", { class: "picture-raw" }, h("summary", {}, "Header"), h("div"));
    this.header.addEventListener("toggle", () => this.#readHeader());
    this.element = h(
      "section",
      { class: "picture-section" },
      h("header", {}, h("h3", {}, "File")),
      this.facts,
      this.header,
    );
    this.place = "";
  }

  /**
   * @param {FullModel} model
   * @param {{last_used: number | null} | null} use
   */
  show(model, use) {
    const { facts, sha256 } = model;
    const [first] = model.places;
    if (first?.place_id !== this.place) {
      this.place = first?.place_id ?? "";
      this.header.open = false;
      this.header.lastElementChild?.replaceChildren();
    }
    this.header.hidden = !this.place;
    const shape = [facts.rank ? `rank ${facts.rank}` : "", facts.dtype, facts.parameters && `${parameterText(facts.parameters)} parameters`, facts.tensors && `${facts.tensors.toLocaleString("en")} tensors`];
    const lines = [
      ...model.places.map((place, index) =>
        pair(index ? "" : model.places.length > 1 ? "Places" : "Place", this.#copied(place.path, `${place.types[0] ?? ""}/${place.file}`)),
      ),
      !first && pair("Was at", h("span", {}, model.path)),
      pair("Size", `${sizeText(model.size_bytes)}${facts.format ? ` · ${facts.format}` : ""}`),
      shape.some(Boolean) && pair("Inside", shape.filter(Boolean).join(" · ")),
      facts.title && pair("Title", facts.title),
      facts.author && pair("Author", facts.author),
      pair("SHA-256", sha256 ? this.#copied(sha256, `${sha256.slice(0, 8)}…${sha256.slice(-6)}`) : "being read"),
      model.auto_v2 && pair("AutoV2", this.#copied(model.auto_v2, model.auto_v2)),
      model.auto_v3 && pair("AutoV3", this.#copied(model.auto_v3, model.auto_v3)),
      pair("Since", new Date(model.created_at).toLocaleDateString()),
      pair("Last used", use?.last_used ? new Date(use.last_used).toLocaleDateString() : "Not known"),
      facts.error && h("p", { class: "problem" }, facts.error),
    ];
    fill(this.facts, ...lines);
  }

  /**
   * @param {string} text
   * @param {string} shown
   */
  #copied(text, shown) {
    return h("button", { class: "model-copy", type: "button", title: `Copy ${text}`, onclick: () => this.copy(text) }, fileName(shown), icon("copy"));
  }

  /** Long, and read only when it is asked for. */
  async #readHeader() {
    const box = this.header.lastElementChild;
    const { place } = this;
    if (!this.header.open || !place || !box || box.childElementCount) return;
    try {
      const { metadata, dtypes } = await api.place(place);
      if (place !== this.place) return;
      const text = JSON.stringify({ ...metadata, dtypes }, null, 2);
      fill(box, h("button", { class: "link", type: "button", onclick: () => this.copy(text) }, "copy"), h("pre", { class: "words", tabindex: "0" }, text));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      fill(box, h("p", { class: "problem" }, words(error)));
    }
  }
}
