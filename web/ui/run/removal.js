/** Deleting a model's gallery, after a question. */

import { api } from "../data/api.js";
import { confirm } from "../parts/confirm.js";
import { countText, sizeText } from "../parts/figures.js";

/**
 * Resolves to what was done; undefined when it was not to be.
 * @param {Element} near
 * @param {{id: number, name: string, count: number, bytes?: number}} gallery
 * @returns {Promise<string | undefined>}
 */
export async function deleteGallery(near, { id, name, count, bytes }) {
  const size = bytes ? ` (${sizeText(bytes)})` : "";
  const own = id ? " and what you have added yourself" : "";
  const yes = await confirm(near, {
    title: "Delete this gallery",
    text:
      `${countText(count, "picture")} of ${name}${size} are deleted for good, starred ones too. ` +
      `What other galleries show${own} stays.`,
    act: "Delete",
  });
  if (!yes) return undefined;
  const { deleted } = await api.deleteGallery(id);
  return `${countText(deleted, "picture")} deleted`;
}
