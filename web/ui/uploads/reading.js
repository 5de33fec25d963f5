/** What the server knows of uploads. */

import { ApiError, api } from "../data/api.js";
import { hasEnded } from "./items.js";

/**
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 * @typedef {import("./items.js").Item} Item
 */

const NEWEST = 50;

/**
 * The open ones, the newest that have ended, and those that this page has shown as open until now.
 * @param {Item[]} items
 * @returns {Promise<{all: Map<string, Upload>, gone: Item[], past: number}>} `gone`: the server has
 *   them no more; `past`: how many it remembers that have ended
 */
export async function readUploads(items) {
  const [pending, newest] = await Promise.all([
    api.uploads({ status: "pending", limit: 1000 }),
    api.uploads({ limit: NEWEST }),
  ]);
  const all = new Map([...newest.uploads, ...pending.uploads].map((each) => [each.id, each]));
  const gone = [];
  for (const item of items) {
    const { upload } = item;
    if (!upload || hasEnded(upload) || all.has(upload.id)) continue;
    const found = await find(upload.id);
    if (found) all.set(found.id, found);
    else gone.push(item);
  }
  const open = [...all.values()].filter((each) => !hasEnded(each)).length;
  return { all, gone, past: Math.max(0, newest.total - open) };
}

/**
 * @param {string} id
 * @returns {Promise<Upload | null>}
 */
async function find(id) {
  try {
    return await api.upload(id);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
