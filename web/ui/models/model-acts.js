/** What can be done with a model, from its card and where it stands open. */

import { askCollection } from "../collections/ask-collection.js";
import { ApiError, api } from "../data/api.js";
import { keyOf } from "../data/library-calls.js";
import { attempts } from "../parts/attempts.js";
import { openMenu } from "../parts/menu.js";
import { loadingOf } from "./loaders.js";
import { titleOf } from "./names.js";
import { recommended } from "./strengths.js";

/**
 * @typedef {import("../data/library-calls.js").Model} Model
 *
 * @typedef {object} MainAct the one act that stands out
 * @property {import("../parts/icons.js").IconName} sign
 * @property {string} text
 * @property {string} short for a card
 * @property {string} title
 * @property {(model: Model) => boolean} can
 * @property {(model: Model, strength?: number) => Promise<unknown>} run
 *
 * @typedef {object} Around
 * @property {import("../shell/screen.js").Shell} shell
 * @property {import("./model-rows.js").ModelRows} rows
 * @property {import("./selection.js").Selection} selection
 * @property {import("./faces.js").Faces} faces
 * @property {import("../gallery/veils.js").Veils} veils
 * @property {(key: string) => void} open
 */

/** @typedef {ReturnType<typeof modelActs>} ModelActs */

/** @param {Around} around */
export function modelActs({ shell, rows, selection, faces, veils, open }) {
  const { notice, copy, surroundings } = shell;
  const attempt = attempts(notice);
  const main = mainAct(attempt, copy, surroundings.addModel);

  const favour = async (/** @type {Model} */ model) => {
    const key = keyOf(model);
    rows.change(key, { favorite: !model.favorite });
    const done = await attempt(async () => void (await api.changeModel(key, { favorite: !model.favorite })));
    if (!done) rows.change(key, { favorite: model.favorite });
  };

  const select = (/** @type {number} */ index, /** @type {boolean} */ through) =>
    selection.toggle(index, through, (at) => rows.at(at));

  const more = (/** @type {Model} */ model, /** @type {Element} */ anchor) => {
    const key = keyOf(model);
    const selected = selection.has(key);
    openMenu(anchor, [
      ...(main.can(model) ? [{ text: main.text, act: () => main.run(model) }] : []),
      { text: "Open", act: () => open(key) },
      { text: model.favorite ? "Remove from favourites" : "Add to favourites", act: () => favour(model) },
      { text: selected ? "Deselect" : "Select", act: () => select(rows.indexOf(key), false) },
      { text: "Add to a collection …", act: () => askCollection(anchor, notice, { kind: "model", id: key }) },
      { text: "Copy title", act: () => copy(titleOf(model)) },
    ]);
  };

  /** The picture that stands for it, and whether it is to be covered. @param {Model} model */
  const face = (model) => {
    const key = keyOf(model);
    const known = faces.get(key);
    const level = known?.picture ? known.nsfw_level : 0;
    const hidden = veils.hides({ nsfw_level: level });
    return { address: hidden ? "" : faces.address(key), covered: veils.coversLevel(level) };
  };

  return {
    main,
    favour,
    more,
    face,
    open: (/** @type {Model} */ model) => open(keyOf(model)),
    select: (/** @type {number} */ index, /** @type {{shiftKey: boolean}} */ { shiftKey }) => select(index, shiftKey),
    isSelected: (/** @type {string} */ key) => selection.has(key),
  };
}

/**
 * Into the workflow; where there is none, the name goes to where it is wanted by the clipboard.
 * @param {ReturnType<typeof attempts>} attempt
 * @param {(text: string) => unknown} copy
 * @param {import("../shell/screen.js").Surroundings["addModel"]} addModel
 * @returns {MainAct}
 */
function mainAct(attempt, copy, addModel) {
  if (!addModel) {
    return {
      sign: "copy",
      text: "Copy name",
      short: "Copy",
      title: "Copy the name under which its loader lists it",
      can: ({ status }) => status !== "missing",
      run: async (model) => copy(loadingOf(model)?.file ?? model.file),
    };
  }
  return {
    sign: "load",
    text: "Add to workflow",
    short: "Add",
    title: "Add to workflow",
    can: (model) => loadingOf(model) !== null,
    run: (model, strength) =>
      attempt(async () => {
        const loading = loadingOf(model, strength ?? (await strengthOf(model)));
        return loading ? addModel(loading) : "";
      }),
  };
}

/** What its presets recommend; only LoRAs have one. @param {Model} model */
async function strengthOf(model) {
  if (!model.types.includes("loras")) return undefined;
  try {
    return recommended((await api.model(keyOf(model))).data.presets);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return 1;
  }
}
