/** The whole panel: head, tabs, drawers, the screens, the tray, the notice. */

import { isSurelyMeant } from "../add/addresses.js";
import { AddPanel } from "../add/add-panel.js";
import { api } from "../data/api.js";
import { Jobs } from "../data/jobs.js";
import { iconButton } from "../parts/buttons.js";
import { copyAct } from "../parts/copying.js";
import { h, takesText, target } from "../parts/dom.js";
import { takeDrops } from "../parts/drop-zone.js";
import { icon } from "../parts/icons.js";
import { Notice } from "../parts/notice.js";
import { SettingsPanel } from "../settings/settings-panel.js";
import { Tray } from "../transfers/tray.js";
import { UploadForm } from "../uploads/upload-form.js";
import { UploadRows } from "../uploads/upload-rows.js";
import { uploads } from "../uploads/uploads.js";
import { Catalog } from "../wanted/catalog.js";
import { entryActs } from "../wanted/entry-acts.js";
import { Drawers } from "./drawers.js";
import { makeScreens } from "./screens.js";
import { Tabs } from "./tabs.js";

/** @typedef {import("./screen.js").Surroundings} Surroundings */

export class Panel {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.surroundings = surroundings;
    this.notice = new Notice(() => this.tabs.focus());
    this.jobs = new Jobs();
    this.catalog = new Catalog(this.jobs);
    this.drawers = new Drawers();
    const copy = copyAct(this.notice);
    const look = (/** @type {string} */ address) => this.#openAdd(address);
    const pictures = (/** @type {number} */ modelId) => this.#showPictures(modelId);
    const acts = entryActs(this.catalog, this.notice, { copy, look, pictures });
    this.screens = makeScreens({
      surroundings,
      notice: this.notice,
      jobs: this.jobs,
      catalog: this.catalog,
      entryActs: acts,
      copy,
      add: (address) => this.#openAdd(address),
      picture: (id) => this.#openAdded(id),
      collection: (id) => this.#collections().openCollection(id),
      collections: () => this.#collections().openCollections(),
      upload: (files) => this.#offer(files),
      pictures,
      settings: () => this.drawers.open(this.settings),
      unlocked: () => this.#read(),
    });
    this.tabs = new Tabs(Object.values(this.screens), this.screens.gallery);
    this.uploadRows = new UploadRows(
      {
        notice: this.notice,
        jobs: this.jobs,
        picture: (id) => this.#openAdded(id),
        model: (key) => this.#openModel(key),
        settings: () => this.drawers.open(this.settings),
      },
      () => this.tray.draw(),
    );
    this.tray = new Tray(this.catalog, acts, this.uploadRows);
    const begun = () => {
      this.drawers.close();
      this.tray.open();
    };
    const past = () => {
      this.drawers.close();
      this.tray.open(true);
    };
    this.uploadForm = new UploadForm({ notice: this.notice, begun, past });
    this.add = new AddPanel({
      open: (id) => this.#openAdded(id),
      find: (file) => this.#findAdded(file),
      close: () => this.drawers.close(),
      changed: () => this.catalog.read(),
      uploads: this.uploadForm,
    });
    this.settings = new SettingsPanel({ copy, appearance: surroundings.appearance });
    this.element = this.#draw();
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
    this.element.addEventListener("pointerdown", (event) => this.drawers.onPointer(event), { signal });
    if (this.surroundings.whole) {
      document.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    }
    this.#read();
    return () => {
      leave.abort();
      forget();
      this.catalog.stop();
      this.jobs.stop();
      this.uploadRows.stop();
      for (const screen of this.tabs.screens) screen.destroy();
    };
  }

  #read() {
    for (const screen of this.tabs.screens) screen.start();
    this.catalog.read();
    uploads.look();
  }

  #draw() {
    const { surroundings, tabs } = this;
    const addButton = iconButton("plus", "Add by address, or upload files", () => {});
    const settingsButton = iconButton("gear", "Settings", () => {});
    this.drawers.add(this.add, addButton);
    this.drawers.add(this.settings, settingsButton);
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
    const whole = h(
      "main",
      { class: `panel ${surroundings.whole ? "is-whole" : ""}` },
      h(
        "header",
        { class: "head" },
        h("h1", {}, "Curator"),
        ...tabs.screens.map(({ search }) => search),
        h("div", { class: "head-acts" }, addButton, !surroundings.whole && expand, settingsButton),
        tabs.element,
      ),
      this.add.element,
      this.settings.element,
      ...tabs.screens.map(({ element }) => element),
      this.tray.element,
      this.notice.element,
    );
    takeDrops(whole, (files) => this.#offer(files));
    return whole;
  }

  /** @param {string} topic */
  #hear(topic) {
    if (topic === "catalog" || topic === "reset") this.catalog.read();
    if (topic === "transfers" || topic === "jobs") this.jobs.look();
    if (topic === "uploads" || topic === "reset") uploads.look();
    for (const screen of this.tabs.screens) screen.hear(topic);
    if ((topic === "settings" || topic === "reset") && !this.settings.element.hidden) {
      this.settings.show();
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { screen } = this.tabs;
    if (event.key === "Escape") {
      if (this.drawers.close() || this.tray.close() || screen.close()) event.preventDefault();
    } else if (event.key === "/" && !takesText(target(event))) {
      event.preventDefault();
      screen.focusSearch();
    } else if (event.key.startsWith("Arrow") && target(event) === document.body && screen.focusList) {
      event.preventDefault();
      screen.focusList();
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
    // Nobody looks for an address among prompts, so in a search field it is to be added too.
    const searching = this.tabs.screens.some(({ field }) => field === place);
    if (!here || (takesText(place) && !searching)) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!isSurelyMeant(text)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#openAdd(text);
  }

  /** @param {string} [address] */
  #openAdd(address) {
    this.drawers.open(this.add);
    if (address !== undefined) this.add.take(address);
  }

  /** @param {File[]} files */
  #offer(files) {
    this.drawers.open(this.add);
    this.uploadForm.offer(files);
  }

  /** The screen that they are behind. */
  #collections() {
    this.drawers.close();
    this.tabs.choose(this.screens.models);
    return this.screens.models;
  }

  /** @param {string} key */
  #openModel(key) {
    this.drawers.close();
    this.tabs.choose(this.screens.models);
    this.screens.models.open(key);
  }

  /** @param {string} id */
  #openAdded(id) {
    this.drawers.close();
    this.tabs.choose(this.screens.gallery);
    this.screens.gallery.open(id);
  }

  /** @param {number} modelId */
  #showPictures(modelId) {
    this.tabs.choose(this.screens.gallery);
    this.screens.gallery.showModel(modelId);
  }

  /** @param {string} file */
  #findAdded(file) {
    this.drawers.close();
    this.tabs.choose(this.screens.wanted);
    this.screens.wanted.find(file);
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
