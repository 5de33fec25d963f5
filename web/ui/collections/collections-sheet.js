/** All collections: opened, made, renamed, deleted. */

import { ApiError, api } from "../data/api.js";
import { askText } from "../parts/ask-text.js";
import { attempts } from "../parts/attempts.js";
import { iconButton } from "../parts/buttons.js";
import { dot } from "../parts/colour.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { openMenu } from "../parts/menu.js";
import { sheet } from "../parts/sheet.js";
import { failure, greyRows, state } from "../parts/states.js";
import { collectionMenu, contents } from "./collection-acts.js";

/** @typedef {import("../data/collection-calls.js").Collection} Collection */

const GREY_AFTER = 150;

export class CollectionsSheet {
  /**
   * @param {{notice: import("../parts/notice.js").Notice, copy: (text: string) => unknown,
   *   close: () => void, openCollection: (id: string) => void}} acts
   */
  constructor(acts) {
    this.acts = acts;
    this.attempt = attempts(acts.notice);
    /** @type {Map<string, {known: string, row: HTMLElement}>} by id */
    this.rows = new Map();
    this.reading = 0;
    /** @type {string | null} the one that was opened last */
    this.opened = null;
    this.make = h("button", { class: "button small", type: "button", onclick: () => this.#make(this.make) }, icon("plus"), "New");
    this.place = h("div", { class: "state-place" });
    this.list = h("ul", { class: "plain-list" });
    const way = { back: "Back to the models", close: acts.close };
    const made = sheet("Collections", way, [this.make], this.place, this.list);
    this.element = made.element;
    this.back = made.back;
  }

  async show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    await this.#read();
    const row = this.rows.get(this.opened ?? "")?.row;
    this.opened = null;
    if (this.back.matches(":focus")) row?.querySelector("button")?.focus();
  }

  /** Something of the library has changed. */
  touch() {
    if (!this.element.hidden) this.#read();
  }

  async #read() {
    const turn = ++this.reading;
    clearTimeout(this.timer);
    if (!this.rows.size) this.timer = setTimeout(() => fill(this.place, greyRows(4)), GREY_AFTER);
    try {
      const found = await api.collections();
      if (turn === this.reading) this.#draw(found);
    } catch (error) {
      if (turn !== this.reading) return;
      if (!(error instanceof ApiError)) console.error(error);
      this.#draw([]);
      fill(this.place, failure("The collections could not be read", error, () => this.#read()));
    }
  }

  /** @param {Collection[]} collections */
  #draw(collections) {
    clearTimeout(this.timer);
    fill(this.place, !collections.length && this.#nothing());
    this.make.hidden = !collections.length;
    // A row that is as it was stays: the keyboard or a menu may be at it.
    const rows = collections.map((each) => {
      const known = JSON.stringify(each);
      const old = this.rows.get(each.id);
      return { id: each.id, known, row: old?.known === known ? old.row : this.#row(each) };
    });
    const same = rows.length === this.rows.size && rows.every(({ id, row }) => this.rows.get(id)?.row === row);
    this.rows = new Map(rows.map(({ id, known, row }) => [id, { known, row }]));
    if (!same || this.list.childElementCount !== rows.length) fill(this.list, ...rows.map(({ row }) => row));
  }

  #nothing() {
    const button = h("button", { class: "button main", type: "button", onclick: () => this.#make(button) }, "New collection");
    const text = "Models and pictures under one name, in your own order. Nodes of a workflow can walk through one.";
    return state("folder", "No collections yet", text, button);
  }

  /** @param {Collection} collection */
  #row(collection) {
    const { id, name, description, color, cover } = collection;
    const open = () => {
      this.opened = id;
      this.acts.openCollection(id);
    };
    const around = {
      attempt: this.attempt,
      copy: this.acts.copy,
      changed: () => this.#read(),
      deleted: () => this.#read(),
    };
    const more = iconButton("more", `More of ${name}`, () => openMenu(more, collectionMenu(collection, more, around)));
    const face = cover
      ? h("img", { src: api.thumb(cover, 160), alt: "", loading: "lazy", onerror: () => face.replaceWith(sign()) })
      : sign();
    return h(
      "li",
      { class: "collection-row" },
      h(
        "button",
        { class: "collection-open", type: "button", onclick: open },
        face,
        h(
          "span",
          { class: "entry-words" },
          h("span", { class: "collection-name" }, color && dot(color), name),
          h("span", { class: "entry-facts is-whole" }, contents(collection)),
          description && h("span", { class: "entry-facts" }, description),
        ),
      ),
      more,
    );
  }

  /** @param {Element} anchor */
  #make(anchor) {
    const save = async (/** @type {string} */ name) => {
      const { id } = await api.addCollection(name);
      this.opened = id;
      this.acts.openCollection(id);
    };
    askText(anchor, { label: "Name", act: "Create", save });
  }
}

const sign = () => h("span", { class: "staging-sign" }, icon("folder"));
