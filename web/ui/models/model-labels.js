/** Tags and collections of the opened model: each taken away by its cross, added by its name. */

import { CollectionChips } from "../collections/collection-chips.js";
import { ApiError, api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { h } from "../parts/dom.js";
import { LabelRow } from "../parts/labels.js";
import { askName } from "../parts/name-field.js";

/**
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 * @typedef {import("../data/library-calls.js").ModelTag} ModelTag
 *
 * @typedef {object} LabelActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {() => Promise<void>} changed
 * @property {(tag: ModelTag) => void} showTag
 * @property {(id: string) => void} collection open it
 */

export class ModelLabels {
  /** @param {LabelActs} acts */
  constructor(acts) {
    this.acts = acts;
    this.attempt = attempts(acts.notice);
    this.key = "";
    this.tags = new LabelRow("Add a tag", (anchor) => this.#askTag(anchor));
    this.collections = new CollectionChips({ notice: acts.notice, open: acts.collection });
    this.element = h(
      "div",
      {},
      h("section", { class: "picture-section" }, h("header", {}, h("h3", {}, "Tags")), this.tags.element),
      this.collections.element,
    );
  }

  /**
   * @param {string} key
   * @param {FullModel} model
   */
  show(key, model) {
    this.key = key;
    this.tags.show(
      model.tags.map((tag) => ({
        ...tag,
        title: `All models with ${tag.name}`,
        open: () => this.acts.showTag(tag),
        remove: () => this.#change({ remove_tags: [tag.id] }),
      })),
    );
    this.collections.show({ kind: "model", id: key });
  }

  /** @param {Element} anchor */
  async #askTag(anchor) {
    askName(anchor, {
      label: "Tag",
      known: await this.#known(),
      make: "New tag",
      choose: (name) => this.#addTag(name),
    });
  }

  async #known() {
    try {
      return await api.modelTags();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      return [];
    }
  }

  /** @param {string} name */
  async #addTag(name) {
    if (await this.attempt(async () => void (await api.addModelTags([name])))) await this.#change({ add_tags: [name] });
  }

  /** @param {Record<string, unknown>} change */
  async #change(change) {
    await this.attempt(async () => {
      await api.changeModels({ keys: [this.key], ...change });
      await this.acts.changed();
    });
  }
}
