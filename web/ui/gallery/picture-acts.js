/** What can be done with a picture, from its card and where it stands open. */

import { ApiError, api, words } from "../data/api.js";
import { openMenu } from "../parts/menu.js";

/**
 * @typedef {import("../data/api.js").Item} Item
 * @typedef {import("../data/api.js").InputFile} InputFile
 */

/**
 * @param {import("./pages.js").Pages} pages
 * @param {import("../parts/notice.js").Notice} notice
 * @param {(text: string) => void} copy
 * @param {((file: InputFile) => Promise<string>) | undefined} loadInWorkflow
 */
export function pictureActs(pages, notice, copy, loadInWorkflow) {
  /**
   * @param {() => Promise<string>} work says what it has done
   * @returns {Promise<boolean>}
   */
  const attempt = async (work) => {
    try {
      notice.done(await work());
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      notice.failed(words(error));
      return false;
    }
  };

  const load = (/** @type {Item} */ item) =>
    attempt(async () => {
      const file = await api.toInput(item.id);
      return (await loadInWorkflow?.(file)) ?? "";
    });

  const toInput = (/** @type {Item} */ item, whole = false) =>
    attempt(async () => `In the input folder: ${(await api.toInput(item.id, whole)).filename}`);

  const star = (/** @type {Item} */ item) => {
    const now = pages.items.find((each) => each.id === item.id) ?? item;
    const undo = pages.change(item.id, { starred: !now.starred });
    api.star(item.id, !now.starred).catch((error) => {
      undo();
      notice.failed(words(error));
    });
  };

  const more = (/** @type {Item} */ item, /** @type {Element} */ anchor) => {
    const video = item.meta.type === "video";
    const entries = [
      { text: video ? "Send a frame to input" : "Send to input", act: () => toInput(item) },
      { text: item.starred ? "Remove star" : "Star", act: () => star(item) },
      { text: "Open original", href: api.media(item) },
      { text: `Copy id ${item.id}`, act: () => copy(item.id) },
    ];
    if (video) entries.splice(1, 0, { text: "Send the video to input", act: () => toInput(item, true) });
    if (loadInWorkflow) entries.unshift({ text: "Load in workflow", act: () => load(item) });
    openMenu(anchor, entries);
  };

  return {
    canLoad: Boolean(loadInWorkflow),
    load,
    toInput: (/** @type {Item} */ item) => toInput(item),
    copy,
    star,
    more,
  };
}
