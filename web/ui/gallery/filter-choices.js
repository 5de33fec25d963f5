/** What the chips of the gallery let a person choose from. */

import { ApiError, api, words } from "../data/api.js";
import { LEVELS } from "./levels.js";

/** @typedef {import("../data/api.js").GalleryModel} GalleryModel */

/**
 * @param {GalleryModel[]} models
 * @param {(level: number) => boolean} covers
 */
export const modelChoices = (models, covers) =>
  models.map((model) => ({
    value: model.model_id,
    text: model.name,
    about: model.count ? model.count.toLocaleString("en") : "",
    image: model.thumb && api.thumb(model.thumb, 160),
    covered: covers(model.thumb_level ?? 0),
    sign: /** @type {const} */ ("model"),
    group: model.count ? "" : "Without pictures yet",
  }));

export const levelChoices = () =>
  LEVELS.slice(0, -1).map(([level, name]) => ({
    value: level,
    text: level === 1 ? `${name} only` : `Up to ${name}`,
  }));

/**
 * The names that are known, and the way to more of them: the choice with an empty value.
 * @param {boolean} sync ask CivitAI for names first
 */
export async function tagChoices(sync) {
  /** @type {import("../data/api.js").Tag[]} */
  let tags = [];
  let none = "No tag of that name.";
  try {
    if (sync) await api.syncTags();
    tags = await api.tags();
    if (sync && !tags.length) none = "No picture here carries a tag.";
  } catch (error) {
    if (!(error instanceof ApiError)) console.error(error);
    none = words(error);
  }
  const ask = { value: "", text: "Ask CivitAI for names", sign: /** @type {const} */ ("retry") };
  const choices = [...tags.map(({ name }) => ({ value: name, text: name })), ...(sync ? [] : [ask])];
  return { choices, none };
}
