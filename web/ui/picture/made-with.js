/** The models a picture was made with: which of them are here, and a way to get the others. */

import { ApiError, api, words } from "../data/api.js";
import { iconButton, whileBusy } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { STATE_WORDS } from "../wanted/entries.js";
import { mainAct } from "../wanted/entry-acts.js";

/**
 * @typedef {import("./facts.js").Resource} Resource
 * @typedef {import("../wanted/entries.js").Entry} Entry
 * @typedef {import("../wanted/catalog.js").Catalog} Catalog
 */

/** @typedef {{resource: Resource, element: HTMLElement, state: HTMLElement, shown: string}} Row */

/**
 * @typedef {object} Around
 * @property {Catalog} catalog
 * @property {import("../wanted/entry-acts.js").Acts} entryActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {(modelId: number) => void} showModel
 */

/**
 * The catalog's entry of a resource: by its file, else by its version.
 * @param {Resource} resource
 * @param {Entry[]} entries
 */
export function entryOf({ file, dest, versionId }, entries) {
  const same = (/** @type {Entry} */ { item }) => item.file === file && item.dest === dest;
  return (
    (file && entries.find(same)) ||
    (versionId !== null && entries.find(({ item }) => item.civitai_version_id === versionId)) ||
    undefined
  );
}

export class MadeWith {
  /**
   * @param {Resource[]} resources
   * @param {number | null} picture its number on CivitAI, which knows more of it
   * @param {Around} around
   */
  constructor(resources, picture, around) {
    this.picture = picture;
    this.around = around;
    this.rows = resources.map((resource) => this.#row(resource));
    this.element = h("ul", { class: "resources" }, ...this.rows.map(({ element }) => element));
    this.update();
  }

  /** The catalog or its transfers have got on. */
  update() {
    for (const row of this.rows) this.#show(row);
  }

  /**
   * @param {Resource} resource
   * @returns {Row}
   */
  #row(resource) {
    const { name, address, type, strength, modelId } = resource;
    const label = address
      ? h("a", { class: "resource-name", href: address, target: "_blank", rel: "noopener noreferrer" }, name)
      : h("span", { class: "resource-name" }, name);
    label.title = name;
    const about = h("span", { class: "resource-about" }, [type, strength].filter(Boolean).join(" · "));
    const pictures =
      type === "LoRA" && modelId
        ? iconButton("image", `Pictures of ${name}`, () => this.around.showModel(modelId), "resource-more")
        : null;
    const state = h("span", { class: "resource-state" });
    const sign = h("span", { class: "resource-sign" }, icon("model"));
    const element = h("li", { class: "resource" }, sign, label, about, pictures, state);
    return { resource, element, state, shown: "" };
  }

  /** @param {Row} row */
  #show(row) {
    const { resource } = row;
    const entry = entryOf(resource, this.around.catalog.entries);
    const status = entry?.state ?? resource.status;
    const moving = entry && ["queued", "downloading", "paused"].includes(entry.state);
    const done = entry?.total ? `${Math.floor((100 * entry.done) / entry.total)} %` : "";
    const shown = `${status} ${moving ? done : ""} ${entry?.error ?? ""}`;
    if (shown === row.shown) return;
    row.shown = shown;
    row.element.dataset.state = status;
    const focused = row.state.matches(":focus-within");
    const act = entry && mainAct(entry);
    if (status === "present") fill(row.state, icon("check"), "Here");
    else if (moving) fill(row.state, STATE_WORDS[entry.state], " ", done);
    else if (entry && act) fill(row.state, this.#get(row, act.text, () => this.#transfer(entry, act)));
    else if (this.#canBeAsked(resource)) fill(row.state, this.#get(row, "Get", () => this.#add(resource)));
    else fill(row.state, status ? "Unknown" : "");
    row.state.title = entry?.error ?? (status === "unknown" ? "No catalog knows it" : "");
    if (focused) row.state.querySelector("button")?.focus({ preventScroll: true });
  }

  /** @param {Resource} resource */
  #canBeAsked({ status, versionId, hash }) {
    return status === "unknown" && (versionId !== null || (this.picture !== null && hash !== ""));
  }

  /**
   * @param {Row} row
   * @param {string} text
   * @param {() => Promise<unknown>} act
   */
  #get({ resource }, text, act) {
    const button = h(
      "button",
      {
        class: "button small",
        type: "button",
        "aria-label": `${text} ${resource.name}`,
        onclick: () => whileBusy(button, act),
      },
      text,
    );
    return button;
  }

  /**
   * @param {Entry} entry
   * @param {{act: import("../wanted/entry-acts.js").TransferAct}} act
   */
  #transfer(entry, { act }) {
    return this.around.entryActs.transfer(entry, act);
  }

  /**
   * Into the catalog, and on its way.
   * @param {Resource} resource
   */
  async #add(resource) {
    const { notice, catalog } = this.around;
    try {
      const version = resource.versionId ?? (await this.#versionOf(resource));
      if (version === null) {
        notice.failed(`CivitAI does not know ${resource.name} by its hash.`);
        return;
      }
      const added = await api.addVersion(version);
      if (added.status === "restricted") {
        notice.failed(`Not offered for download: ${added.reason ?? "restricted"}`);
        return;
      }
      resource.versionId = version;
      await api.transfer(added.file ?? "", added.dest, "");
      notice.done(`On its way: ${added.name ?? added.file}`);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      notice.failed(words(error));
    }
    catalog.read();
  }

  /**
   * @param {Resource} resource
   * @returns {Promise<number | null>}
   */
  async #versionOf({ hash, name }) {
    if (this.picture === null) return null;
    const { detected_deps: found } = await api.civitaiImage(this.picture);
    const same = found.find((each) => each.hash?.toLowerCase() === hash.toLowerCase());
    return (same ?? found.find((each) => each.name === name))?.civitai_version_id ?? null;
  }
}
