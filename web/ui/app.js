/** The whole panel: header, tabs, drawers and screens, wherever it stands. */

import { isSurelyMeant } from "./add/addresses.js";
import { AddPanel } from "./add/add-panel.js";
import { api } from "./data/api.js";
import { GalleryScreen } from "./gallery/gallery-screen.js";
import { iconButton } from "./parts/buttons.js";
import { addStyles, h, takesText, target } from "./parts/dom.js";
import { icon } from "./parts/icons.js";
import { Notice } from "./parts/notice.js";
import { SettingsPanel } from "./settings/settings-panel.js";
import { Tray } from "./transfers/tray.js";
import { Catalog } from "./wanted/catalog.js";
import { figures } from "./wanted/entries.js";
import { entryActs } from "./wanted/entry-acts.js";
import { WantedScreen } from "./wanted/wanted-screen.js";

/**
 * What differs between ComfyUI's sidebar and a page of our own.
 * @typedef {object} Surroundings
 * @property {(listener: (topic: string) => void) => () => void} listen to changes, until undone
 * @property {((file: import("./data/api.js").InputFile) => Promise<string>) | undefined}
 *   [loadInWorkflow] puts a file of the input folder into a node and says which
 * @property {import("./settings/settings-panel.js").Appearance} [appearance]
 * @property {boolean} [whole] the panel is the whole page
 */

const STYLES = [
  "app.css",
  "parts/parts.css",
  "gallery/gallery.css",
  "picture/picture.css",
  "add/add-panel.css",
  "settings/settings-panel.css",
  "wanted/wanted.css",
  "exchange/exchange.css",
  "trash/trash.css",
  "transfers/tray.css",
];
const KEPT_TAB = "curator.tab";

/** @typedef {"gallery" | "wanted"} TabName */

/**
 * Put the panel into an element; resolves to what takes it away again.
 *
 * It lives in a shadow root: neither the host's styles nor ours reach across.
 * @param {HTMLElement} place
 * @param {Surroundings} surroundings
 * @returns {Promise<() => void>}
 */
export async function mount(place, surroundings) {
  const box = h("div", { class: "curator-panel" });
  box.style.height = "100%";
  const root = box.attachShadow({ mode: "open" });
  place.replaceChildren(box);
  await addStyles(
    root,
    STYLES.map((name) => new URL(name, import.meta.url).href),
  );
  const panel = new Panel(surroundings);
  root.append(panel.element);
  const stop = panel.start(box);
  return () => {
    stop();
    box.remove();
  };
}

class Panel {
  /** @type {TabName} */
  tabName = "gallery";

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.surroundings = surroundings;
    this.notice = new Notice();
    const unlocked = () => {
      this.gallery.start();
      this.catalog.read();
    };
    this.gallery = new GalleryScreen(surroundings, {
      notice: this.notice,
      add: () => this.#openDrawer(this.add),
      unlocked,
    });
    this.catalog = new Catalog();
    const copy = (/** @type {string} */ text) => void this.gallery.acts.copy(text);
    const look = (/** @type {string} */ address) => {
      this.#openDrawer(this.add);
      this.add.take(address);
    };
    const acts = entryActs(this.catalog, this.notice, { copy, look });
    this.wanted = new WantedScreen(this.catalog, acts, {
      notice: this.notice,
      add: () => this.#openDrawer(this.add),
      settings: () => this.#openDrawer(this.settings),
      unlocked,
    });
    this.tray = new Tray(this.catalog, acts);
    this.screens = { gallery: this.gallery, wanted: this.wanted };
    this.add = new AddPanel({
      open: (id) => this.#openAdded(id),
      find: (file) => this.#findAdded(file),
      close: () => this.#closeDrawers(),
      changed: () => this.catalog.read(),
    });
    this.settings = new SettingsPanel({
      copy: (text) => this.gallery.acts.copy(text),
      appearance: surroundings.appearance,
    });
    this.addButton = iconButton("plus", "Add by address", () => this.#toggle(this.add));
    this.settingsButton = iconButton("gear", "Settings", () => this.#toggle(this.settings));
    const expand = h(
      "a",
      {
        class: "icon-button",
        href: api.page,
        target: "_blank",
        rel: "noopener",
        title: "Open as a page of its own",
        "aria-label": "Open as a page of its own",
      },
      icon("expand"),
    );
    this.missing = h("span", { class: "count" });
    this.tabs = {
      gallery: this.#tab("gallery", "Gallery"),
      wanted: this.#tab("wanted", "Wanted", this.missing),
    };
    const onkeydown = (/** @type {KeyboardEvent} */ event) => this.#onTabKey(event);
    const tabs = h(
      "nav",
      { class: "tabs", role: "tablist", "aria-label": "Screens", onkeydown },
      this.tabs.gallery,
      this.tabs.wanted,
    );
    this.element = h(
      "main",
      { class: `panel ${surroundings.whole ? "is-whole" : ""}` },
      h(
        "header",
        { class: "head" },
        h("h1", {}, "Curator"),
        this.gallery.search,
        this.wanted.search,
        h("div", { class: "head-acts" }, this.addButton, !surroundings.whole && expand, this.settingsButton),
        tabs,
      ),
      this.add.element,
      this.settings.element,
      this.gallery.element,
      this.wanted.element,
      this.tray.element,
      this.notice.element,
    );
    this.catalog.addEventListener("change", () => this.#count());
    this.catalog.addEventListener("progress", () => this.#count());
    this.#choose(localStorage.getItem(KEPT_TAB) === "wanted" ? "wanted" : "gallery");
  }

  /**
   * @param {HTMLElement} box
   * @returns {() => void}
   */
  start(box) {
    const forget = this.surroundings.listen((topic) => this.#hear(topic));
    const leave = new AbortController();
    const { signal } = leave;
    this.element.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    for (const kind of ["keydown", "keyup", "keypress", "copy", "cut", "paste"]) {
      box.addEventListener(kind, keepFromHost, { signal });
    }
    document.addEventListener("paste", (event) => this.#onPaste(event, box), { signal, capture: true });
    this.element.addEventListener("pointerdown", (event) => this.#onPointer(event), { signal });
    if (this.surroundings.whole) {
      document.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    }
    this.gallery.start();
    this.catalog.read();
    return () => {
      leave.abort();
      forget();
      this.catalog.stop();
      this.gallery.destroy();
      this.wanted.destroy();
    };
  }

  /** @param {string} topic */
  #hear(topic) {
    if (topic === "gallery" || topic === "reset") this.gallery.touch();
    if (topic === "catalog" || topic === "reset") this.catalog.read();
    if (topic === "transfers" || topic === "jobs") this.catalog.look();
    this.wanted.hear(topic);
    if ((topic === "settings" || topic === "reset") && !this.settings.element.hidden) {
      this.settings.show();
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (this.#closeDrawers() || this.tray.close() || this.screen.close()) event.preventDefault();
    } else if (event.key === "/" && !takesText(target(event))) {
      event.preventDefault();
      this.screen.focusSearch();
    } else if (
      event.key.startsWith("Arrow") &&
      target(event) === document.body &&
      this.screen === this.gallery
    ) {
      event.preventDefault();
      this.gallery.grid.focus();
    }
  }

  /**
   * A drawer that lies over the list goes when something else is pointed at.
   * @param {PointerEvent} event
   */
  #onPointer(event) {
    const over = [this.add, this.settings].find(({ element }) => !element.hidden)?.element;
    if (!over || getComputedStyle(over).position !== "absolute") return;
    const path = event.composedPath();
    if (!path.includes(over) && !path.includes(this.addButton) && !path.includes(this.settingsButton)) {
      this.#closeDrawers();
    }
  }

  /**
   * An address pasted anywhere on the panel is added; anything else is left to whom it is for.
   * @param {ClipboardEvent} event
   * @param {HTMLElement} box
   */
  #onPaste(event, box) {
    const here = event.composedPath().includes(box) || box.matches(":hover") || this.surroundings.whole;
    const place = target(event);
    // Nobody looks for an address among prompts, so in the search field it is to be added too.
    const searching = place === this.gallery.filters.field || place === this.wanted.field;
    if (!here || (takesText(place) && !searching)) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!isSurelyMeant(text)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#openDrawer(this.add);
    this.add.take(text);
  }

  /** @param {string} id */
  #openAdded(id) {
    this.#closeDrawers();
    this.#choose("gallery");
    this.gallery.open(id);
  }

  /** @param {string} file */
  #findAdded(file) {
    this.#closeDrawers();
    this.#choose("wanted");
    this.wanted.find(file);
  }

  /**
   * @param {TabName} name
   * @param {...import("./parts/dom.js").Child} face
   */
  #tab(name, ...face) {
    const props = {
      class: "tab",
      role: "tab",
      type: "button",
      "aria-controls": `screen-${name}`,
      onclick: () => this.#choose(name),
    };
    return h("button", props, ...face);
  }

  get screen() {
    return this.screens[this.tabName];
  }

  /** @param {TabName} name */
  #choose(name) {
    this.tabName = name;
    localStorage.setItem(KEPT_TAB, name);
    for (const each of /** @type {TabName[]} */ (["gallery", "wanted"])) {
      const chosen = each === name;
      this.tabs[each].setAttribute("aria-selected", String(chosen));
      this.tabs[each].tabIndex = chosen ? 0 : -1;
      this.screens[each].element.hidden = !chosen;
      this.screens[each].search.hidden = !chosen;
    }
    if (name === "wanted") this.wanted.shown();
  }

  /** @param {KeyboardEvent} event */
  #onTabKey(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    this.#choose(this.tabName === "gallery" ? "wanted" : "gallery");
    this.tabs[this.tabName].focus();
  }

  #count() {
    const { missing } = figures(this.catalog.entries);
    this.missing.textContent = missing ? missing.toLocaleString("en") : "";
    this.missing.title = missing ? `${missing.toLocaleString("en")} missing` : "";
  }

  /** @param {AddPanel | SettingsPanel} drawer */
  #toggle(drawer) {
    if (drawer.element.hidden) this.#openDrawer(drawer);
    else this.#closeDrawers();
  }

  /** @param {AddPanel | SettingsPanel} drawer */
  async #openDrawer(drawer) {
    const already = !drawer.element.hidden;
    for (const each of [this.add, this.settings]) each.element.hidden = each !== drawer;
    this.#markButtons();
    if (drawer === this.settings) await this.settings.show();
    if (!already) drawer.focus();
  }

  /** @returns {boolean} whether one was open */
  #closeDrawers() {
    const open = [this.add, this.settings].find((drawer) => !drawer.element.hidden);
    if (!open) return false;
    open.element.hidden = true;
    this.#markButtons();
    (open === this.add ? this.addButton : this.settingsButton).focus({ preventScroll: true });
    return true;
  }

  #markButtons() {
    this.addButton.setAttribute("aria-expanded", String(!this.add.element.hidden));
    this.settingsButton.setAttribute("aria-expanded", String(!this.settings.element.hidden));
  }
}

/**
 * The host has shortcuts on single keys and takes copy and paste for its nodes: what is typed or
 * copied in the panel stays here, while Ctrl+Enter and the like still reach the host.
 * @param {Event} event
 */
function keepFromHost(event) {
  const typing = takesText(target(event));
  const key = event instanceof KeyboardEvent;
  if (key && !typing && (event.ctrlKey || event.metaKey || event.altKey)) return;
  event.stopPropagation();
}
