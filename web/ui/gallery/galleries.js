/** The galleries that there are or could be: models with pictures, and the catalog's LoRAs. */

import { isLora } from "../wanted/entries.js";

/**
 * @typedef {import("../data/api.js").GalleryModel} GalleryModel
 * @typedef {import("../wanted/entries.js").Entry} Entry
 * @typedef {{id: number, name: string}} Version
 */

/**
 * Models with pictures first, as the server has them; then LoRAs of the catalog without, by name.
 * @param {GalleryModel[]} models
 * @param {Entry[]} entries
 * @returns {GalleryModel[]}
 */
export function galleries(models, entries) {
  const known = new Set(models.map((model) => model.model_id));
  /** @type {Map<number, string>} */
  const names = new Map();
  /** @type {Map<number, GalleryModel>} */
  const others = new Map();
  for (const { item } of entries) {
    const id = item.civitai_model_id;
    if (!id) continue;
    const name = item.name || item.file;
    names.set(id, names.get(id) ?? name);
    if (known.has(id) || others.has(id) || !isLora(item)) continue;
    others.set(id, { model_id: id, name, count: 0, thumb: null });
  }
  const named = models.map((model) => ({ ...model, name: model.name || nameOf(model.model_id, names) }));
  const sorted = [...others.values()].sort((a, b) => a.name.localeCompare(b.name));
  return [...named, ...sorted];
}

/**
 * @param {number} id
 * @param {Map<number, string>} names
 */
const nameOf = (id, names) => names.get(id) ?? (id ? `Model ${id}` : "No known LoRA");

/**
 * The versions that pictures of a model may be of: the catalog's by name, others by number.
 * @param {number} modelId
 * @param {Entry[]} entries
 * @param {{versions?: number[]}[]} items pictures of the model
 * @returns {Version[]} newest first
 */
export function versionsOf(modelId, entries, items) {
  /** @type {Map<number, string>} */
  const found = new Map();
  for (const { versions } of items) {
    for (const id of versions ?? []) found.set(id, `Version ${id}`);
  }
  for (const { item } of entries) {
    if (item.civitai_model_id !== modelId || !item.civitai_version_id) continue;
    found.set(item.civitai_version_id, item.name || item.file);
  }
  return [...found].map(([id, name]) => ({ id, name })).sort((a, b) => b.id - a.id);
}

/**
 * Models whose name holds every word of a text.
 * @param {GalleryModel[]} models
 * @param {string} text
 */
export function modelsNamed(models, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => words.every((word) => model.name.toLowerCase().includes(word)));
}
