/** One collection: its models and pictures in their order, and what can be done with it. */

import { ApiError, api, words } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { chip, iconButton } from "../parts/buttons.js";
import { ColourField } from "../parts/colour.js";
import { fill, h } from "../parts/dom.js";
import { openMenu } from "../parts/menu.js";
import { sheet } from "../parts/sheet.js";
import { failure, state } from "../parts/states.js";
import { inputActs } from "../gallery/picture-acts.js";
import { collectionMenu, contents } from "./collection-acts.js";
import { MemberGrid } from "./member-grid.js";
import { Members } from "./members.js";

/**
 * @typedef {import("../data/collection-calls.js").Collection} Collection
 * @typedef {import("../data/collection-calls.js").Kind} Kind
 * @typedef {import("../data/collection-calls.js").Member} Member
 *
 * @typedef {object} Around
 * @property {import("../shell/screen.js").Shell} shell
 * @property {import("../models/model-acts.js").ModelActs} models
 * @property {import("../gallery/veils.js").Veils} veils
 * @property {(key: string) => void} open a model
 * @property {() => void} back
 */

/** @type {readonly (readonly [string, Kind | undefined])[]} */
const KINDS = [
  ["All", undefined],
  ["Models", "model"],
  ["Pictures", "picture"],
];

const GREY_AFTER = 150;

export class CollectionSheet {
  /**
   * @param {Around} around
   * @param {import("../parts/sheet.js").Sheet} parent
   */
  constructor(around, parent) {
    this.around = around;
    this.parent = parent;
    const { notice } = around.shell;
    this.attempt = attempts(notice);
    this.id = "";
    this.shownState = "";
    this.reading = 0;
    /** @type {Kind | undefined} */
    this.kind = undefined;
    /** @type {Collection | null} */
    this.collection = null;
    this.members = new Members(api);
    this.members.addEventListener("change", () => this.#draw());
    this.grid = new MemberGrid(this.members, {
      ...this.#mainActs(),
      face: (member) => this.#face(member),
      open: (member) => this.#open(member),
      remove: (member) => this.#remove(member),
      move: (member, to) => this.attempt(() => this.members.move(member, to)),
    });
    this.colour = new ColourField((color) => this.#paint(color));
    this.facts = h("span", { class: "count" });
    this.more = iconButton("more", "More of this collection", () => this.#openMenu());
    this.counts = KINDS.map(() => h("span", { class: "count" }));
    this.chips = KINDS.map(([text, kind], at) => {
      const made = chip(text, `${text} of this collection`, () => this.#choose(kind));
      made.append(this.counts[at] ?? "");
      return made;
    });
    this.about = h("p", { class: "lead" });
    this.place = h("div", { class: "state-place" });
    this.bar = h("div", { class: "collection-bar", role: "group", "aria-label": "Kinds" }, ...this.chips);
    const head = [this.colour.element, this.facts, h("span", { class: "spacer" }), this.more];
    const way = { back: "Back to the collections", close: around.back };
    const made = sheet("Collection", way, head, this.about, this.bar, this.place, this.grid.element);
    made.element.classList.add("collection");
    this.element = made.element;
    this.back = made.back;
    this.title = /** @type {HTMLElement} */ (made.element.querySelector("h2"));
    this.element.querySelector(".sheet-body")?.addEventListener("scroll", (event) => this.#scrolled(event));
  }

  /** @param {string} id */
  choose(id) {
    if (id === this.id) return;
    this.id = id;
    this.collection = null;
    this.kind = undefined;
    this.members.close();
  }

  show() {
    this.element.hidden = false;
    this.back.focus({ preventScroll: true });
    this.grid.mark(null);
    this.#drawHead();
    this.#read();
    if (this.members.id === this.id) this.members.touch();
    else this.#choose(this.kind);
  }

  destroy() {
    clearTimeout(this.timer);
    this.members.close();
  }

  /** Something of the library has changed. */
  touch() {
    if (this.element.hidden) return;
    this.#read();
    this.members.touch();
  }

  /** Faces are others now, or covered. */
  redraw() {
    if (!this.element.hidden && this.members.state !== "loading") this.grid.show();
  }

  /** @param {string} key of a model that stood open */
  focusOn(key) {
    this.grid.mark(null);
    this.grid.focus(this.members.indexOf({ kind: "model", id: key }));
  }

  /** @param {Kind | undefined} kind */
  #choose(kind) {
    this.kind = kind;
    for (const [at, each] of this.chips.entries()) each.setAttribute("aria-pressed", String(KINDS[at]?.[1] === kind));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.members.state === "loading" && this.grid.showGrey(), GREY_AFTER);
    this.members.open(this.id, kind);
  }

  async #read() {
    const { id } = this;
    const turn = ++this.reading;
    try {
      const found = await api.collection(id);
      if (id !== this.id || turn !== this.reading) return;
      this.collection = found;
      this.#drawHead();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      // Somebody else has deleted it; what else is wrong, the list says.
      if (error instanceof ApiError && error.status === 404 && id === this.id) this.#gone();
    }
  }

  #gone() {
    this.members.close();
    this.id = "";
    if (!this.element.hidden) this.around.back();
  }

  #drawHead() {
    const { collection } = this;
    this.title.textContent = collection?.name ?? "Collection";
    this.element.setAttribute("aria-label", collection?.name ?? "Collection");
    this.about.textContent = collection?.description ?? "";
    this.about.hidden = !collection?.description;
    this.more.hidden = !collection;
    this.colour.element.hidden = !collection;
    if (collection) this.colour.show(collection.name, collection.color);
    const { models = 0, pictures = 0 } = collection ?? {};
    for (const [at, count] of [models + pictures, models, pictures].entries()) {
      fill(/** @type {Element} */ (this.counts[at]), count.toLocaleString("en"));
    }
    this.bar.hidden = !this.kind && !(models && pictures);
    this.facts.textContent = collection && this.bar.hidden ? contents(collection) : "";
  }

  #draw() {
    const { state: now, items, error, total } = this.members;
    if (now !== "loading") {
      clearTimeout(this.timer);
      this.grid.show();
    } else if (!items.length) this.grid.clear();
    const kind = now === "failed" ? `failed ${words(error)}` : now === "ready" && !total ? `empty ${this.kind}` : "";
    if (kind === this.shownState) return;
    this.shownState = kind;
    fill(this.place, this.#stateElement(kind));
  }

  /** @param {string} kind */
  #stateElement(kind) {
    if (kind.startsWith("failed")) {
      return failure("The collection could not be read", this.members.error, () => this.touch());
    }
    if (!kind) return null;
    if (this.kind) return state("folder", `No ${this.kind}s in this collection`, "");
    return state("folder", "Nothing here yet", "Open a model or a picture, or select models, and add them to this collection.");
  }

  /** @param {string} color */
  async #paint(color) {
    await this.attempt(async () => void (await api.changeCollection(this.id, { color })));
    await this.#read();
  }

  /** @param {Event} event */
  #scrolled({ currentTarget }) {
    const { scrollTop, clientHeight, scrollHeight } = /** @type {HTMLElement} */ (currentTarget);
    if (scrollTop + 2 * clientHeight > scrollHeight) this.members.more();
  }

  #openMenu() {
    const { collection } = this;
    if (!collection) return;
    const { copy } = this.around.shell;
    const around = { attempt: this.attempt, copy, changed: () => this.#read(), deleted: () => this.#gone() };
    openMenu(this.more, collectionMenu(collection, this.more, around));
  }

  /** What stands out on the card of a picture. */
  #mainActs() {
    const { loadInWorkflow } = this.around.shell.surroundings;
    const { load, toInput } = inputActs({ attempt: this.attempt, loadInWorkflow });
    const { main } = this.around.models;
    const picture = loadInWorkflow
      ? { sign: /** @type {const} */ ("load"), text: "Load in workflow", short: "Load", run: load }
      : { sign: /** @type {const} */ ("input"), text: "Send to input", short: "Send", run: toInput };
    return {
      main: (/** @type {Member} */ { model, picture: item }) => {
        if (item) return { ...picture, run: () => picture.run(item) };
        if (model && main.can(model)) return { ...main, run: () => main.run(model) };
        return null;
      },
    };
  }

  /** @param {Member} member */
  #face({ model, picture }) {
    if (model) return this.around.models.face(model);
    const { veils } = this.around;
    if (picture && !veils.hides(picture)) return { address: api.thumb(picture.id), covered: veils.covers(picture) };
    return { address: "", covered: false };
  }

  /** @param {Member} member */
  #open(member) {
    const { id, model, picture } = member;
    if (picture) this.around.shell.picture(id);
    if (!model) return;
    this.around.open(id);
    this.grid.mark(member);
  }

  /** @param {Member} member */
  #remove(member) {
    const { notice } = this.around.shell;
    const name = this.collection?.name ?? "the collection";
    return this.attempt(async () => {
      const removed = this.members.remove(member);
      if (!this.members.items.length) this.back.focus({ preventScroll: true });
      const putBack = await removed;
      const undo = () => {
        this.attempt(putBack);
        this.grid.focus(this.members.indexOf(member));
      };
      notice.done(`Removed from ${name}`, { text: "Undo", run: undo });
    });
  }
}
