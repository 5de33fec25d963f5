/** What can be done with a picture, from its card and where it stands open. */

import { api, words } from "../data/api.js";
import { askCollection } from "../collections/ask-collection.js";
import { attempts } from "../parts/attempts.js";
import { confirm } from "../parts/confirm.js";
import { openMenu } from "../parts/menu.js";

/**
 * @typedef {import("../data/api.js").Item} Item
 * @typedef {import("../parts/menu.js").Entry} Entry
 */

/**
 * @typedef {object} Around
 * @property {import("./pages.js").Pages} pages
 * @property {import("../parts/notice.js").Notice} notice
 * @property {(text: string) => void} copy
 * @property {import("../shell/screen.js").Surroundings} surroundings
 * @property {(modelId: number) => void} showModel show that model's gallery
 */

/** @param {Around} around */
export function pictureActs({ pages, notice, copy, surroundings, showModel }) {
  const { loadInWorkflow, openWorkflow } = surroundings;
  const attempt = attempts(notice);

  const { load, toInput } = inputActs({ attempt, loadInWorkflow });

  const workflow = (/** @type {Item} */ item) =>
    attempt(async () => (await openWorkflow?.(await api.workflow(item.id), workflowName(item))) ?? "");

  const setPreview = (/** @type {Item} */ item, /** @type {number} */ modelId) =>
    attempt(async () => {
      await api.setPreview(item.id, modelId);
      return `Now the preview of ${modelName(item, modelId)}`;
    });

  const star = (/** @type {Item} */ item) => {
    const now = pages.items.find((each) => each.id === item.id) ?? item;
    const undo = pages.change(item.id, { starred: !now.starred });
    api.star(item.id, !now.starred).catch((error) => {
      undo();
      notice.failed(words(error));
    });
  };

  const remove = async (/** @type {Item} */ item, /** @type {Element} */ anchor) => {
    const text = "It is deleted with its files and leaves every gallery and collection. This cannot be undone.";
    if (!(await confirm(anchor, { title: "Delete the picture", text, act: "Delete" }))) return;
    await attempt(async () => {
      await api.deletePicture(item.id);
      return "Picture deleted";
    });
  };

  const more = (/** @type {Item} */ item, /** @type {Element} */ anchor) => {
    const video = item.meta.type === "video";
    /** @type {(Entry | false | undefined)[]} */
    const entries = [
      loadInWorkflow && { text: "Load in workflow", act: () => load(item) },
      { text: video ? "Send a frame to input" : "Send to input", act: () => toInput(item) },
      video && { text: "Send the video to input", act: () => toInput(item, true) },
      ...workflowEntries(item),
      { text: item.starred ? "Remove star" : "Star", act: () => star(item) },
      { text: "Add to a collection …", act: () => askCollection(anchor, notice, { kind: "picture", id: item.id }) },
      ...modelEntries(item),
      { text: "Open original", href: api.media(item) },
      { text: `Copy id ${item.id}`, act: () => copy(item.id) },
      { text: "Delete …", act: () => remove(item, anchor) },
    ];
    openMenu(
      anchor,
      entries.filter((entry) => entry !== false && entry !== undefined),
    );
  };

  /**
   * @param {Item} item
   * @returns {Entry[]}
   */
  const workflowEntries = (item) => {
    if (!item.has_workflow) return [];
    const file = { text: "Download its workflow", href: api.workflowFile(item.id), name: workflowName(item) };
    return openWorkflow ? [{ text: "Open its workflow", act: () => workflow(item) }, file] : [file];
  };

  /**
   * @param {Item} item
   * @returns {Entry[]}
   */
  const modelEntries = (item) => {
    const shown = pages.filter.model_id;
    const model = shown || item.model_id;
    if (!model) return [];
    const preview = { text: `Set as preview of ${modelName(item, model)}`, act: () => setPreview(item, model) };
    const all = { text: `All of ${modelName(item)}`, act: () => showModel(model) };
    return shown ? [preview] : [preview, all];
  };

  return {
    canLoad: Boolean(loadInWorkflow),
    /** None where there is no page to open it in. */
    openWorkflow: openWorkflow ? workflow : null,
    load,
    toInput: (/** @type {Item} */ item) => toInput(item),
    copy,
    star,
    more,
    showModel,
  };
}

/**
 * What puts a picture into the input folder, and from there into the workflow.
 * @param {{attempt: (work: () => Promise<string | void>) => Promise<boolean>,
 *   loadInWorkflow: import("../shell/screen.js").Surroundings["loadInWorkflow"]}} around
 */
export const inputActs = ({ attempt, loadInWorkflow }) => ({
  load: (/** @type {Item} */ item) =>
    attempt(async () => (await loadInWorkflow?.(await api.toInput(item.id))) ?? ""),

  toInput: (/** @type {Item} */ item, whole = false) =>
    attempt(async () => `In the input folder: ${(await api.toInput(item.id, whole)).filename}`),
});

/**
 * A picture that several models show knows the name of its first one only.
 * @param {Item} item
 * @param {number} [modelId]
 */
const modelName = (item, modelId = item.model_id) =>
  (modelId === item.model_id && item.model_name) || "this model";

/**
 * What its workflow is called, as a file and as a tab of ComfyUI.
 * @param {Item} item
 */
export const workflowName = (item) => `${item.name?.replace(/\.\w+$/, "") || `civitai_${item.id}`}.json`;
