/** The samples of the opened model, and the gallery's pictures made with it. */

import { ApiError, api, words } from "../data/api.js";
import { confirm } from "../parts/confirm.js";
import { fill, h } from "../parts/dom.js";
import { takeDrops } from "../parts/drop-zone.js";
import { icon } from "../parts/icons.js";
import { openLarge } from "./large.js";
import { titleOf } from "./names.js";
import { placeholder } from "./placeholder.js";

/**
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 * @typedef {import("../data/api.js").Item} Item
 */

const SHOWN = 24;

/**
 * @typedef {object} PicturesActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {import("./faces.js").Faces} faces
 * @property {(id: string) => void} openPicture in the gallery
 * @property {(item: Item) => boolean} covered
 */

export class ModelPictures {
  /** @param {PicturesActs} acts */
  constructor(acts) {
    this.acts = acts;
    this.key = "";
    this.count = 0;
    this.reading = 0;
    this.shown = "";
    /** @type {Item | undefined} the newest of the gallery's */
    this.first = undefined;
    this.picker = h("input", {
      type: "file",
      class: "off-screen",
      accept: "image/*",
      multiple: true,
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => {
        const files = [...(this.picker.files ?? [])];
        this.picker.value = "";
        if (files.length) this.add(files);
      },
    });
    this.samples = h("div", { class: "samples", role: "group", "aria-label": "Samples" });
    this.element = h("div", { class: "model-samples" }, this.samples, this.picker);
    this.made = h("div", { class: "made-pictures" });
    this.madeCount = h("span", { class: "count" });
    this.gallery = h(
      "section",
      { class: "picture-section", hidden: true },
      h("header", {}, h("h3", {}, "Made with it ", this.madeCount)),
      this.made,
    );
    takeDrops(this.element, (files) => this.add(files));
  }

  /**
   * @param {string} key
   * @param {FullModel} model
   */
  async show(key, model) {
    const other = key !== this.key;
    this.key = key;
    this.title = titleOf(model);
    if (other) {
      this.count = 0;
      this.shown = "";
      this.gallery.hidden = true;
      fill(this.made);
      fill(this.samples, h("span", { class: "sample is-drawn" }, placeholder(this.title)));
    }
    await this.read();
  }

  /** Read both anew. */
  async read() {
    const { key } = this;
    if (!key) return;
    const turn = ++this.reading;
    try {
      const [{ count }, made] = await Promise.all([api.sampleCount(key), api.picturesOf(key, SHOWN)]);
      if (turn !== this.reading) return;
      const shown = `${key} ${count} ${this.acts.faces.versions.get(key)} ${made.total} ${made.images.map(({ id }) => id)}`;
      if (shown === this.shown) return;
      this.shown = shown;
      this.count = count;
      this.first = made.images[0];
      this.#drawSamples();
      this.#drawMade(made.images, made.total);
    } catch (error) {
      // What is wrong with the model, its other parts say.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  /** @param {File[]} files */
  async add(files) {
    const { key } = this;
    this.samples.classList.add("is-busy");
    for (const file of files) {
      try {
        await api.addSample(key, file);
      } catch (error) {
        if (!(error instanceof ApiError)) console.error(error);
        this.acts.notice.failed(`${file.name}: ${words(error)}`);
      }
    }
    this.samples.classList.remove("is-busy");
    this.#changed(key);
  }

  /** @param {string} key */
  #changed(key) {
    this.acts.faces.changed(key);
    if (key === this.key) this.read();
  }

  #drawSamples() {
    const { key, count } = this;
    const version = this.acts.faces.versions.get(key);
    const faces = Array.from({ length: count }, (_, seq) => this.#sample(key, seq, version));
    const add = h(
      "button",
      { class: "sample sample-add", type: "button", title: "Add sample pictures", "aria-label": "Add sample pictures", onclick: () => this.picker.click() },
      icon("plus"),
      !count && h("span", {}, "Add a sample"),
    );
    const focused = this.samples.matches(":focus-within");
    fill(this.samples, ...faces, !count && this.#stand(), add);
    if (focused) add.focus({ preventScroll: true });
  }

  /** Where there is no sample: what the gallery has, else a drawing. */
  #stand() {
    const { first } = this;
    if (!first) return h("span", { class: "sample is-drawn" }, placeholder(this.title ?? ""));
    const covered = this.acts.covered(first) ? "is-covered" : "";
    return h(
      "span",
      { class: `sample is-drawn ${covered}`, title: "From the gallery" },
      h("img", { class: "card-image", src: api.thumb(first.id), alt: "" }),
    );
  }

  /**
   * @param {string} key
   * @param {number} seq
   * @param {number} [version]
   */
  #sample(key, seq, version) {
    const large = () =>
      openLarge(
        this.element,
        Array.from({ length: this.count }, (_, each) => api.sample(key, each, "high", version)),
        seq,
      );
    return h(
      "span",
      { class: "sample" },
      h(
        "button",
        { class: "sample-open", type: "button", title: "Show large", "aria-label": `Sample ${seq + 1} of ${this.count}`, onclick: large },
        h("img", { src: api.sample(key, seq, "medium", version), alt: "", loading: "lazy", draggable: "false" }),
      ),
      h(
        "button",
        { class: "sample-remove", type: "button", title: "Delete this sample", "aria-label": `Delete sample ${seq + 1}`, onclick: () => this.#remove(key, seq) },
        icon("trash"),
      ),
    );
  }

  /**
   * @param {string} key
   * @param {number} seq
   */
  async #remove(key, seq) {
    const question = { title: "Delete this sample", text: "The picture is deleted for good.", act: "Delete" };
    if (!(await confirm(this.element, question))) return;
    try {
      await api.deleteSample(key, seq);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.acts.notice.failed(words(error));
    }
    this.#changed(key);
  }

  /**
   * @param {Item[]} images
   * @param {number} total
   */
  #drawMade(images, total) {
    this.gallery.hidden = !total;
    this.madeCount.textContent = total.toLocaleString("en");
    fill(
      this.made,
      ...images.map((item) =>
        h(
          "button",
          {
            class: `made-picture ${this.acts.covered(item) ? "is-covered" : ""}`,
            type: "button",
            title: "Open in the gallery",
            "aria-label": `Picture ${item.id}, open in the gallery`,
            onclick: () => this.acts.openPicture(item.id),
          },
          h("img", { class: "card-image", src: api.thumb(item.id, 160), alt: "", loading: "lazy", draggable: "false" }),
        ),
      ),
    );
  }
}
