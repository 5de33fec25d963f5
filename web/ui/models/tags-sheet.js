/** All tags of the library: renamed, coloured, merged, deleted. */

import { ApiError, api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { iconButton } from "../parts/buttons.js";
import { ColourField } from "../parts/colour.js";
import { confirm } from "../parts/confirm.js";
import { fill, h } from "../parts/dom.js";
import { countText } from "../parts/figures.js";
import { openMenu } from "../parts/menu.js";
import { openPicker } from "../parts/picker.js";
import { sheet } from "../parts/sheet.js";
import { failure, greyRows, state } from "../parts/states.js";

/** @typedef {import("../data/library-calls.js").ModelTag & {models: number}} CountedTag */

const GREY_AFTER = 150;

export class TagsSheet {
  /**
   * @param {{notice: import("../parts/notice.js").Notice, close: () => void,
   *   showTag: (tag: import("../data/library-calls.js").ModelTag) => void}} acts
   */
  constructor(acts) {
    this.acts = acts;
    this.attempt = attempts(acts.notice);
    /** @type {CountedTag[]} */
    this.tags = [];
    this.place = h("div", { class: "state-place" });
    this.list = h("ul", { class: "plain-list" });
    const made = sheet("Tags", { back: "Back to the models", close: acts.close }, [], this.place, this.list);
    this.element = made.element;
    this.back = made.back;
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    this.#read();
  }

  async #read() {
    clearTimeout(this.timer);
    if (!this.tags.length) this.timer = setTimeout(() => fill(this.place, greyRows(4)), GREY_AFTER);
    try {
      this.tags = await api.modelTags();
      clearTimeout(this.timer);
      fill(this.place, !this.tags.length && state("model", "No tags yet", "Open a model, or select some, to give them tags."));
      fill(this.list, ...this.tags.map((tag) => this.#row(tag)));
    } catch (error) {
      clearTimeout(this.timer);
      if (!(error instanceof ApiError)) console.error(error);
      fill(this.list);
      fill(this.place, failure("The tags could not be read", error, () => this.#read()));
    }
  }

  /** @param {CountedTag} tag */
  #row(tag) {
    const { id, name, color, models } = tag;
    const field = h("input", {
      class: "field tag-name",
      value: name,
      maxlength: "200",
      "aria-label": `Name of ${name}`,
      autocomplete: "off",
      onchange: () => this.#rename(tag, field.value.trim()),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        field.value = name;
        field.blur();
      },
    });
    const colour = new ColourField((chosen) => this.#attempt(() => api.changeTag(id, { color: chosen })));
    colour.show(name, color);
    const more = iconButton("more", `More of ${name}`, () =>
      openMenu(more, [
        { text: `Show its models`, act: () => this.acts.showTag(tag) },
        { text: "Merge into …", act: () => this.#merge(more, tag) },
        ...(color ? [{ text: "No colour", act: () => this.#attempt(() => api.changeTag(id, { color: "" })) }] : []),
        { text: "Delete …", act: () => this.#delete(tag) },
      ]),
    );
    return h("li", { class: "tag-row" }, colour.element, field, h("span", { class: "count" }, models.toLocaleString("en")), more);
  }

  /**
   * A name that another tag has makes one of both, if that is meant.
   * @param {CountedTag} tag
   * @param {string} name
   */
  async #rename(tag, name) {
    if (!name || name === tag.name) return this.#read();
    const other = this.tags.find((each) => each.id !== tag.id && each.name.toLowerCase() === name.toLowerCase());
    if (!other) return this.#attempt(() => api.changeTag(tag.id, { name }));
    const yes = await confirm(this.element, {
      title: "Merge tags",
      text: `There is a tag ${other.name} already. Shall ${tag.name} become one with it?`,
      act: "Merge",
    });
    return yes ? this.#attempt(() => api.mergeTag(tag.id, other.id)) : this.#read();
  }

  /**
   * @param {Element} anchor
   * @param {CountedTag} tag
   */
  #merge(anchor, tag) {
    const others = this.tags.filter(({ id }) => id !== tag.id);
    openPicker(anchor, others.map(({ id, name, models }) => ({ value: id, text: name, about: String(models) })), {
      label: `Merge ${tag.name} into`,
      name: "Tag",
      none: "No other tag",
      choose: (into) => this.#attempt(() => api.mergeTag(tag.id, into)),
    });
  }

  /** @param {CountedTag} tag */
  async #delete({ id, name, models }) {
    const text = models ? `${countText(models, "model")} will no longer have the tag ${name}.` : `No model has the tag ${name}.`;
    if (await confirm(this.element, { title: "Delete the tag", text, act: "Delete" })) {
      await this.#attempt(() => api.deleteTag(id));
    }
  }

  /** @param {() => Promise<unknown>} work */
  async #attempt(work) {
    await this.attempt(async () => void (await work()));
    await this.#read();
  }
}
