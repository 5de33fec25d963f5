/** What can be done with entries of the catalog. */

import { api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { confirm } from "../parts/confirm.js";
import { countText, sizeText } from "../parts/figures.js";
import { canBePromoted, figures, hasSource, homePage, isLora } from "./entries.js";

/**
 * @typedef {import("./entries.js").Entry} Entry
 * @typedef {import("./catalog.js").Catalog} Catalog
 * @typedef {import("../parts/notice.js").Notice} Notice
 * @typedef {"" | "pause" | "resume" | "cancel"} TransferAct
 */

/**
 * @typedef {object} Acts
 * @property {(entry: Entry, act: TransferAct) => Promise<void>} transfer
 * @property {(job: import("./entries.js").Job, act: TransferAct) => Promise<void>} transferJob
 * @property {(near: Element, entries: Entry[]) => Promise<void>} getAll
 * @property {(near: Element, entry: Entry) => import("../parts/menu.js").Entry[]} menu
 * @property {() => Promise<void>} checkUpdates
 * @property {() => Promise<void>} fetchMetadata
 */

/**
 * @param {Catalog} catalog
 * @param {Notice} notice
 * @param {{copy: (text: string) => void, look: (address: string) => void,
 *   pictures: (modelId: number) => void}} shell `look`: show what an address would add; `pictures`:
 *   show a model's gallery
 * @returns {Acts}
 */
export function entryActs(catalog, notice, { copy, look, pictures }) {
  const attempt = attempts(notice);
  /**
   * @param {() => Promise<string | void>} work gives the words for what was done
   * @param {boolean} [lists] entries themselves have changed
   */
  const run = async (work, lists = true) => {
    await attempt(work);
    if (lists) catalog.read();
    else catalog.look();
  };
  /** @param {Entry} entry */
  const name = (entry) => entry.item.name || entry.item.file;

  /** @type {Acts["transfer"]} */
  const transfer = (entry, act) =>
    run(async () => {
      const { status } = await api.transfer(entry.item.file, entry.item.dest, act);
      if (act === "" && status === "present") return `Already here: ${name(entry)}`;
    }, false);

  /** @type {Acts["transferJob"]} */
  const transferJob = async (job, act) => {
    const entry = catalog.entryOf(job);
    if (entry) await transfer(entry, act);
    else if (act === "cancel") await run(() => api.cancelJob(job.id), false);
    else await run(async () => void (await api.transfer(job.title, undefined, act)), false);
  };

  /** @type {Acts["getAll"]} */
  const getAll = async (near, entries) => {
    const { get, bytes } = figures(entries);
    const size = bytes ? `, about ${sizeText(bytes)}` : "";
    const yes = await confirm(near, {
      title: "Get all missing",
      text: `${countText(get.length, "file")}${size}. They are fetched one after the other and checked.`,
      act: "Get all",
    });
    if (!yes) return;
    await run(async () => {
      const names = new Map();
      for (const { item } of get) names.set(item.file, [...(names.get(item.file) ?? []), item.dest]);
      const single = [...names].filter(([, dests]) => new Set(dests).size === 1).map(([file]) => file);
      const { queued } = await api.getAll(single);
      // A name in several folders is asked for by each of them.
      const others = get.filter(({ item }) => !single.includes(item.file));
      for (const { item } of others) await api.transfer(item.file, item.dest, "");
      return `${countText(queued.length + others.length, "file")} queued`;
    });
  };

  /** @type {Acts["menu"]} */
  const menu = (near, entry) => {
    const { item, state } = entry;
    const under = ["queued", "downloading", "paused", "error"].includes(state);
    const page = homePage(entry);
    const version = item.civitai_version_id;
    /** @type {import("../parts/menu.js").Entry[]} */
    const entries = [];
    if (under) entries.push({ text: "Cancel the transfer", act: () => transfer(entry, "cancel") });
    const model = item.civitai_model_id;
    if (item.update && model) {
      const { version_id: newer, name: newest } = item.update;
      const address = `https://civitai.com/models/${model}?modelVersionId=${newer}`;
      entries.push(
        { text: `See ${newest} …`, act: () => look(address) },
        { text: `Skip ${newest}`, act: () => skip(model, newer, newest) },
      );
    }
    if (page) entries.push({ text: `Open on ${page.site}`, href: page.address });
    if (model && isLora(item)) entries.push({ text: "Its pictures", act: () => pictures(model) });
    entries.push({ text: "Copy file name", act: () => copy(item.file) });
    if (version && canBePromoted(entry)) {
      entries.push({ text: "Move to the LoRAs", act: () => promote(entry, version) });
    }
    if (state === "present") {
      entries.push({ text: "Delete the file …", act: () => deleteFile(near, entry) });
    } else if (!under) {
      entries.push({ text: "Remove from the catalog …", act: () => remove(near, entry) });
    }
    return entries;
  };

  /**
   * @param {Entry} entry
   * @param {number} version
   */
  const promote = (entry, version) =>
    run(async () => {
      await api.promote(version);
      return `Moved to the LoRAs: ${name(entry)}`;
    });

  /**
   * @param {Element} near
   * @param {Entry} entry
   */
  const remove = async (near, entry) => {
    const yes = await confirm(near, {
      title: "Remove from the catalog",
      text: `${name(entry)} will no longer be listed. No file is touched.`,
      act: "Remove",
    });
    if (!yes) return;
    await run(async () => {
      await api.removeEntry(entry.item.file, entry.item.dest);
      return `Removed: ${name(entry)}`;
    });
  };

  /**
   * @param {Element} near
   * @param {Entry} entry
   */
  const deleteFile = async (near, entry) => {
    const yes = await confirm(near, {
      title: "Delete the file",
      text: `${entry.item.file} (${sizeText(entry.done)}) goes into the trash. The entry stays.`,
      act: "Delete",
    });
    if (!yes) return;
    await run(async () => {
      await api.deleteFile(entry.item.file, entry.item.dest);
      return `In the trash: ${entry.item.file}`;
    });
  };

  /**
   * @param {number} model
   * @param {number} version
   * @param {string} newest
   */
  const skip = (model, version, newest) =>
    run(async () => {
      await api.skipUpdate(model, version);
      return `${newest} is not shown any more`;
    });

  const checkUpdates = () =>
    run(async () => {
      const { queued } = await api.checkUpdates();
      return `Asking CivitAI about ${countText(queued, "model")}`;
    });

  const fetchMetadata = () =>
    run(async () => {
      const { queued } = await api.fetchMetadata();
      return `Asking again about ${countText(queued, "entry", "entries")}`;
    });

  return { transfer, transferJob, getAll, menu, checkUpdates, fetchMetadata };
}

/**
 * The one main act of an entry, or none.
 * @param {Entry} entry
 * @returns {{text: string, icon: import("../parts/icons.js").IconName, act: TransferAct} | null}
 */
export function mainAct(entry) {
  switch (entry.state) {
    case "missing":
    case "partial":
      return hasSource(entry) ? { text: "Get", icon: "get", act: "" } : null;
    case "queued":
    case "downloading":
      return { text: "Pause", icon: "pause", act: "pause" };
    case "paused":
      return { text: "Resume", icon: "play", act: "resume" };
    case "error":
      return { text: "Retry", icon: "retry", act: "resume" };
    default:
      return null;
  }
}
