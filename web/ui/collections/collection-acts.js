/** What can be done with a collection as a whole. */

import { api } from "../data/api.js";
import { askText } from "../parts/ask-text.js";
import { confirm } from "../parts/confirm.js";
import { countText } from "../parts/figures.js";

/** @typedef {import("../data/collection-calls.js").Collection} Collection */

/**
 * What is in it, in words.
 * @param {Pick<Collection, "models" | "pictures">} collection
 */
export function contents({ models, pictures }) {
  const parts = [models && countText(models, "model"), pictures && countText(pictures, "picture")];
  return parts.filter(Boolean).join(" · ") || "empty";
}

/**
 * @param {Collection} collection
 * @param {Element} anchor what is asked stands beside it
 * @param {object} around
 * @param {(work: () => Promise<string | void>) => Promise<boolean>} around.attempt
 * @param {(text: string) => unknown} around.copy
 * @param {() => unknown} around.changed
 * @param {() => unknown} around.deleted
 * @returns {import("../parts/menu.js").Entry[]}
 */
export function collectionMenu({ id, name, description, color, ...inside }, anchor, { attempt, copy, changed, deleted }) {
  const change = (/** @type {{name?: string, description?: string, color?: string}} */ changes) =>
    api.changeCollection(id, changes).then(() => void changed());
  const rename = () =>
    askText(anchor, { label: "Name", text: name, act: "Rename", save: (text) => change({ name: text }) });
  const describe = () => {
    const save = (/** @type {string} */ text) => change({ description: text });
    askText(anchor, { label: "Description", text: description, act: "Save", save, lines: 4, empty: true });
  };
  const remove = async () => {
    const text = `Only the collection ${name} is deleted. What is in it stays: ${contents(inside)}.`;
    if (!(await confirm(anchor, { title: "Delete the collection", text, act: "Delete" }))) return;
    if (await attempt(async () => void (await api.deleteCollection(id)))) deleted();
  };
  return [
    { text: "Rename …", act: rename },
    { text: "Edit description …", act: describe },
    ...(color ? [{ text: "No colour", act: () => attempt(() => change({ color: "" })) }] : []),
    { text: "Copy name (for a node)", act: () => copy(name) },
    { text: "Delete …", act: remove },
  ];
}
