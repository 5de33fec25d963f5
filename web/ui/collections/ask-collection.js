/** Into which collection something goes: one that is there, or a new one by its name. */

import { ApiError, api } from "../data/api.js";
import { askName } from "../parts/name-field.js";
import { attempts } from "../parts/attempts.js";

/** @typedef {import("../data/collection-calls.js").Ref} Ref */

/**
 * Ask for the name, and put it in.
 * @param {Element} anchor
 * @param {import("../parts/notice.js").Notice} notice
 * @param {Ref} item
 */
export const askCollection = (anchor, notice, item) =>
  chooseCollection(anchor, (name) =>
    attempts(notice)(async () => {
      const { id } = await api.addCollection(name);
      const { added } = await api.addMembers(id, [item]);
      return added ? `Added to ${name}` : `Already in ${name}`;
    }),
  );

/**
 * @param {Element} anchor
 * @param {(name: string) => unknown} choose
 */
export async function chooseCollection(anchor, choose) {
  /** @type {import("../parts/name-field.js").Named[]} */
  let known = [];
  try {
    known = await api.collections();
  } catch (error) {
    // A name can be typed all the same.
    if (!(error instanceof ApiError)) console.error(error);
  }
  askName(anchor, { label: "Collection", known, make: "New collection", choose });
}
