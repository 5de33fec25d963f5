/** One picture large, with what is known of it and what can be done with it. */

import { CollectionChips } from "../collections/collection-chips.js";
import { ApiError, api, words } from "../data/api.js";
import { levelName } from "../gallery/levels.js";
import { workflowName } from "../gallery/picture-acts.js";
import { iconButton, whileBusy } from "../parts/buttons.js";
import { fill, h, takesText, target } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { factsPanel } from "./facts-panel.js";
import { readFacts } from "./facts.js";
import { FilmStrip } from "./film-strip.js";
import { playing, shown } from "./media.js";
import { TagNames } from "./tag-names.js";

/** @typedef {import("../data/api.js").Item} Item */

/**
 * @typedef {object} PictureActs
 * @property {boolean} canLoad
 * @property {(item: Item) => Promise<unknown>} load
 * @property {(item: Item) => Promise<unknown>} toInput
 * @property {(item: Item) => void} star
 * @property {((item: Item) => Promise<unknown>) | null} openWorkflow null where there is no page for it
 * @property {(item: Item) => boolean} covered
 * @property {(item: Item) => void} uncover
 * @property {(modelId: number) => void} showModel
 * @property {(name: string) => void} showTag
 * @property {(item: Item, anchor: Element) => void} more
 * @property {(text: string) => void} copy
 * @property {(step: 1 | -1) => void} step to the next or the previous one
 * @property {(item: Item) => void} open another one
 * @property {() => void} close
 */

/** It stands in the panel; large it fills the window, in a dialog of its own. */
export class PictureView {
  /**
   * @param {PictureActs} acts
   * @param {import("../shell/screen.js").Shell} shell
   */
  constructor(acts, { notice, catalog, entryActs, collection }) {
    this.acts = acts;
    /** Comes along into the dialog, which covers everything else. */
    this.notice = notice.element;
    this.tagNames = new TagNames();
    const { copy, showModel, showTag } = acts;
    // The dialog would lie over what is opened, and hold the whole page.
    const open = (/** @type {string} */ id) => {
      this.shrink();
      collection(id);
    };
    this.collections = new CollectionChips({ notice, open });
    this.around = {
      ...{ catalog, entryActs, notice, copy, showModel, showTag },
      tagNames: this.tagNames,
      collections: this.collections.element,
    };
    /** @type {import("./made-with.js").MadeWith | null} */
    this.madeWith = null;
    for (const kind of ["change", "progress"]) {
      catalog.addEventListener(kind, () => this.madeWith?.update());
    }
    /** @type {Item | null} */
    this.item = null;
    this.abort = new AbortController();
    this.film = new FilmStrip(acts.open, acts.covered);
    this.media = h("div", { class: "stage-media" });
    this.facts = h("div", { class: "picture-facts" });
    const now = () => /** @type {Item} */ (this.item);
    const { canLoad, load, toInput } = acts;
    this.main = h(
      "button",
      {
        class: "button main wide",
        type: "button",
        onclick: () => whileBusy(this.main, () => (canLoad ? load(now()) : toInput(now()))),
      },
      canLoad ? "Load in workflow" : "Send to input",
    );
    this.star = iconButton("star", "Star (s)", () => acts.star(now()), "raised star");
    this.send = iconButton(
      "input",
      "Send to input",
      () => whileBusy(this.send, () => toInput(now())),
      "raised",
    );
    this.more = iconButton("more", "More", () => acts.more(now(), this.more), "raised");
    this.workflow = workflowButton(acts, now);
    const others = [canLoad && this.send, this.workflow, this.star, this.more];
    this.bar = h("div", { class: "picture-bar" }, this.main, ...others);
    this.cover = h("button", { class: "button cover", type: "button", onclick: () => acts.uncover(now()) });
    this.stage = h(
      "div",
      { class: "stage" },
      this.media,
      this.cover,
      this.#stepButton("left", "Previous picture", -1),
      this.#stepButton("right", "Next picture", 1),
    );
    this.frame = h(
      "div",
      { class: "picture-frame" },
      h("div", { class: "picture-left" }, this.stage, this.film.element),
      h("div", { class: "picture-right" }, this.bar, this.facts),
    );
    this.top = h(
      "header",
      { class: "picture-top" },
      iconButton("back", "Back to the list (Esc)", () => acts.close()),
      h("span", { class: "spacer" }),
      this.#stepButton("left", "Previous picture", -1),
      this.#stepButton("right", "Next picture", 1),
      iconButton("expand", "Large", () => this.enlarge()),
    );
    this.dialog = h("dialog", { class: "large", "aria-label": "Picture" });
    this.dialog.addEventListener("close", () => this.#settle());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog || event.target === this.stage) this.shrink();
    });
    this.element = h(
      "section",
      { class: "picture", "aria-label": "Picture", hidden: true, tabindex: "-1" },
      this.top,
      this.frame,
      this.dialog,
    );
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get isLarge() {
    return this.dialog.open;
  }

  /**
   * @param {Item} item
   * @param {Item[]} items the list it stands in
   * @param {number} index
   */
  show(item, items, index) {
    const other = item.id !== this.item?.id;
    this.item = item;
    this.element.hidden = false;
    this.#update(item);
    this.element.classList.toggle("is-first", index <= 0);
    this.element.classList.toggle("is-last", index < 0 || index >= items.length - 1);
    this.film.show(items, index);
    if (!other) return;
    const zoom = () => (this.isLarge ? this.shrink() : this.enlarge());
    fill(this.media, item.meta.type === "video" ? playing(item) : shown(item, zoom));
    this.collections.show({ kind: "picture", id: item.id });
    this.#showFacts(item);
    this.element.scrollTop = 0;
  }

  hide() {
    this.abort.abort();
    this.shrink();
    this.item = null;
    this.element.hidden = true;
    fill(this.media);
    fill(this.facts);
  }

  /** Collections may be others now. */
  touch() {
    if (this.item) this.collections.read();
  }

  enlarge() {
    if (this.dialog.open) return;
    const home = this.notice.parentElement;
    this.dialog.addEventListener("close", () => home?.append(this.notice), { once: true });
    this.dialog.append(
      this.frame,
      this.notice,
      iconButton("close", "Close (Esc)", () => this.shrink(), "large-close"),
    );
    this.dialog.showModal();
    this.#centre();
    this.main.focus({ preventScroll: true });
  }

  /** Back from the whole window to the panel. */
  shrink() {
    if (this.dialog.open) this.dialog.close();
  }

  #settle() {
    this.top.after(this.frame);
    this.dialog.querySelector(".large-close")?.remove();
    this.#centre();
    if (this.item) this.element.focus({ preventScroll: true });
  }

  /** The strip is scrolled anew when its room has changed. */
  #centre() {
    const current = this.film.element.querySelector("[aria-current]");
    current?.scrollIntoView({ inline: "center", block: "nearest" });
  }

  /** @param {Item} item */
  #update(item) {
    this.star.setAttribute("aria-pressed", String(item.starred));
    this.star.title = item.starred ? "Remove star (s)" : "Star (s)";
    this.workflow.hidden = !item.has_workflow;
    if (this.workflow instanceof HTMLAnchorElement) {
      this.workflow.href = api.workflowFile(item.id);
      this.workflow.download = workflowName(item);
    }
    const covered = this.acts.covered(item);
    this.stage.classList.toggle("is-covered", covered);
    this.cover.hidden = !covered;
    if (covered) fill(this.cover, icon("hidden"), `Show it (${levelName(item.nsfw_level)})`);
  }

  /** @param {Item} item */
  async #showFacts(item) {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.#fillFacts({}, item);
    try {
      const meta = await api.meta(item.id, signal);
      if (signal.aborted) return;
      this.#fillFacts(meta, item);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) console.error(error);
      this.facts.prepend(
        h(
          "p",
          { class: "problem", role: "alert" },
          words(error),
          h("button", { class: "link", type: "button", onclick: () => this.#showFacts(item) }, "Retry"),
        ),
      );
    }
  }

  /**
   * @param {import("../data/api.js").Facts} meta
   * @param {Item} item
   */
  #fillFacts(meta, item) {
    const { elements, madeWith } = factsPanel(readFacts(meta, item), item, this.around);
    this.madeWith = madeWith;
    fill(this.facts, ...elements);
  }

  /**
   * @param {"left" | "right"} side
   * @param {string} title
   * @param {1 | -1} by
   */
  #stepButton(side, title, by) {
    return iconButton(side, title, () => this.acts.step(by), `step step-${side}`);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || takesText(target(event))) return;
    if (target(event) instanceof HTMLVideoElement && event.key.startsWith("Arrow")) return;
    if (event.key === "ArrowLeft") this.acts.step(-1);
    else if (event.key === "ArrowRight") this.acts.step(1);
    else if (event.key === "s" && this.item) this.acts.star(this.item);
    else if (event.key === "w" && this.item?.has_workflow) this.workflow.click();
    else if (event.key === "Escape" && !this.isLarge) this.acts.close();
    else {
      // The dialog closes by itself on Escape, and nothing else should.
      if (this.isLarge) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/**
 * Opens the workflow in ComfyUI's page; where there is none, it is a file to keep.
 * @param {PictureActs} acts
 * @param {() => Item} now
 */
function workflowButton({ openWorkflow }, now) {
  if (openWorkflow) {
    const title = "Open its workflow in a new tab (w)";
    const button = iconButton("graph", title, () => whileBusy(button, () => openWorkflow(now())), "raised");
    return button;
  }
  const title = "Download its workflow (w)";
  return h("a", { class: "icon-button raised", title, "aria-label": title }, icon("graph"));
}
