/** What can be done with all selected models at once; stands at the foot while there are any. */

import { chooseCollection } from "../collections/ask-collection.js";
import { ApiError, api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { iconButton } from "../parts/buttons.js";
import { confirm } from "../parts/confirm.js";
import { h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { openMenu } from "../parts/menu.js";
import { openPicker } from "../parts/picker.js";
import { askName } from "../parts/name-field.js";
import { typeName } from "./names.js";

/**
 * @typedef {object} BulkActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {import("./selection.js").Selection} selection
 * @property {() => string[]} types
 * @property {() => void} all select all that the filters leave
 * @property {() => void} move
 */

export class BulkBar {
  /** @param {BulkActs} acts */
  constructor(acts) {
    this.acts = acts;
    this.attempt = attempts(acts.notice);
    this.count = h("span", { class: "bulk-count" });
    const { selection } = acts;
    this.tag = this.#button("Tag", () => this.#addTag());
    this.type = this.#button("Type", () => this.#setType());
    this.collect = this.#button("Collection", () => this.#collect());
    this.move = this.#button("Move", acts.move);
    this.favorite = iconButton("heart", "Add to favourites", () => this.#change({ set: { favorite: true } }));
    this.more = iconButton("more", "More for the selected models", () => this.#openMore());
    this.element = h(
      "div",
      { class: "bulk-bar", role: "toolbar", "aria-label": "Selected models", hidden: true },
      h("div", { class: "bulk-head" }, this.count, iconButton("close", "Clear the selection (Esc)", () => selection.clear())),
      h("div", { class: "bulk-acts" }, this.tag, this.type, this.collect, this.move, this.favorite, this.more),
    );
  }

  draw() {
    const { size } = this.acts.selection;
    this.element.hidden = !size;
    this.count.textContent = `${countText(size, "model")} selected`;
  }

  /**
   * @param {string} text
   * @param {() => unknown} act
   */
  #button(text, act) {
    return h("button", { class: "button small", type: "button", onclick: act }, text);
  }

  async #addTag() {
    const known = await this.#tags();
    askName(this.tag, { label: "Tag", known, make: "New tag", choose: (name) => this.#addNewTag(name) });
  }

  /** @param {string} name */
  async #addNewTag(name) {
    await this.#attempt(async () => {
      await api.addModelTags([name]);
      return api.changeModels({ keys: this.acts.selection.keys, add_tags: [name] });
    });
  }

  /** Tags that one of them has. */
  #removeTag() {
    const found = new Map([...this.acts.selection.models.values()].flatMap(({ tags }) => tags.map((tag) => [tag.id, tag.name])));
    openPicker(this.more, [...found].map(([value, text]) => ({ value, text })), {
      label: "Tags",
      name: "Tag",
      none: "They have no tags",
      choose: (id) => this.#change({ remove_tags: [id] }),
    });
  }

  #setType() {
    openPicker(this.type, this.acts.types().map((value) => ({ value, text: typeName(value) })), {
      label: "Types",
      name: "Type",
      none: "No such type",
      choose: (type) => this.#change({ set: { type } }),
    });
  }

  #collect() {
    return chooseCollection(this.collect, (name) =>
      this.#attempt(async () => {
        const { id } = await api.addCollection(name);
        return api.changeModels({ keys: this.acts.selection.keys, add_to: [id] });
      }),
    );
  }

  #openMore() {
    const rate = (/** @type {number} */ rating) => ({
      text: rating ? `Rate ${"★".repeat(rating)}` : "No rating",
      act: () => this.#change({ set: { rating } }),
    });
    openMenu(this.more, [
      { text: "Select all found", act: this.acts.all },
      { text: "Remove a tag …", act: () => this.#removeTag() },
      { text: "Remove from favourites", act: () => this.#change({ set: { favorite: false } }) },
      ...[5, 4, 3, 2, 1, 0].map(rate),
      { text: "Ask CivitAI about them", act: () => this.#lookUp() },
      { text: "Delete their files …", act: () => this.#trash() },
    ]);
  }

  async #tags() {
    try {
      return await api.modelTags();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      return [];
    }
  }

  #lookUp() {
    return this.attempt(async () => {
      await api.lookUp(this.acts.selection.keys);
      return "Asking CivitAI";
    });
  }

  async #trash() {
    const { selection } = this.acts;
    const yes = await confirm(this.element, {
      title: `Delete the files of ${countText(selection.size, "model")}?`,
      text: "They go to the trash and can be restored. Notes, tags and samples stay.",
      act: "Delete",
    });
    if (!yes) return;
    await this.attempt(async () => {
      const { deleted, failed } = await api.trashModels(selection.keys);
      const [first] = failed;
      if (first) throw new ApiError(0, `${first.file}: ${first.reason}`);
      return `${countText(deleted, "file")} in the trash`;
    });
  }

  /** @param {Record<string, unknown>} change */
  #change(change) {
    return this.#attempt(() => api.changeModels({ keys: this.acts.selection.keys, ...change }));
  }

  /** @param {() => Promise<{changed: number, unchanged: number}>} work */
  #attempt(work) {
    return this.attempt(async () => {
      const { changed } = await work();
      return changed ? `${countText(changed, "model")} changed` : "Nothing to change: they all had it already";
    });
  }
}
