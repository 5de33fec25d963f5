/** The catalog's routes. */

import { addressOf, call, enc } from "./call.js";

/**
 * @param {string} file
 * @param {string} act
 */
const transferPath = (file, act) => `models/download/${enc(file)}${act && `/${act}`}`;

export const catalogCalls = {
  /**
   * What an address would add; changes nothing.
   * @param {string} address
   * @returns {Promise<import("../add/proposal.js").Resolved>}
   */
  resolve: (address) => call("POST", "catalog/resolve", { body: { address } }),

  /**
   * @param {import("../add/proposal.js").Picked} picked
   * @returns {Promise<{status: string, file?: string, name?: string, dest?: string, reason?: string}>}
   */
  addModel: (picked) => call("POST", "catalog/add", { body: picked }),

  /**
   * @param {number} versionId
   * @returns {Promise<{status: string, file?: string, name?: string, dest?: string, reason?: string}>}
   */
  addVersion: (versionId) => call("POST", `civitai/add/${versionId}`),

  /**
   * What CivitAI says of one of its pictures, and the models that it names.
   * @param {number} number
   * @returns {Promise<{detected_deps: {name: string, hash: string | null,
   *   civitai_version_id: number | null}[]}>}
   */
  civitaiImage: (number) => call("GET", `civitai/image/${number}`),

  /**
   * A catalog with the state of each entry.
   * @param {import("../wanted/entries.js").CatalogName} name
   * @returns {Promise<import("../wanted/entries.js").List>}
   */
  catalog: (name) => call("GET", name),

  /**
   * Fetch an entry's file, or do something with the transfer of it.
   * @param {string} file
   * @param {string | undefined} dest
   * @param {"" | "pause" | "resume" | "cancel"} act
   * @returns {Promise<{status: string}>}
   */
  transfer: (file, dest, act) => call("POST", transferPath(file, act), { query: { dest } }),

  /**
   * @param {string[]} filenames
   * @returns {Promise<{queued: string[], skipped: string[]}>}
   */
  getAll: (filenames) => call("POST", "models/download-batch", { body: { filenames } }),

  /**
   * @param {number} versionId
   * @returns {Promise<{status: string, category?: string}>}
   */
  promote: (versionId) => call("POST", `civitai/promote-to-lora/${versionId}`),

  /**
   * @param {string} file
   * @param {string} dest
   */
  removeEntry: (file, dest) => call("DELETE", `models/${enc(file)}/catalog`, { query: { dest } }),

  /**
   * @param {string} file
   * @param {string} dest
   */
  deleteFile: (file, dest) => call("DELETE", `models/${enc(file)}`, { query: { dest } }),

  /**
   * @param {number} offset
   * @returns {Promise<{items: import("../trash/trash-screen.js").Deleted[], total: number}>}
   */
  trash: (offset) => call("GET", "trash", { query: { limit: 200, offset } }),

  /** @param {string} id */
  restore: (id) => call("POST", `trash/${enc(id)}/restore`),

  /** @param {string} id */
  deleteForGood: (id) => call("DELETE", `trash/${enc(id)}`),

  /** @returns {Promise<{deleted: number, freed_bytes: number}>} */
  emptyTrash: () => call("DELETE", "trash"),

  /** @returns {Promise<{queued: number}>} */
  checkUpdates: () => call("POST", "models/check-updates"),

  /**
   * @param {number} modelId
   * @param {number} versionId
   */
  skipUpdate: (modelId, versionId) =>
    call("POST", `models/updates/${modelId}/skip`, { body: { version_id: versionId } }),

  /** @returns {Promise<{queued: number}>} */
  fetchMetadata: () => call("POST", "models/fetch-metadata"),

  /**
   * @param {File} file
   * @param {import("../wanted/entries.js").CatalogName} catalog
   * @param {boolean} dry only say what would happen
   * @returns {Promise<import("../exchange/import-screen.js").Told>}
   */
  importCatalog: (file, catalog, dry) => {
    const body = new FormData();
    body.append("file", file);
    return call("POST", "models/import", { query: { catalog, dry_run: dry }, body });
  },

  /** Both catalogs as one file. */
  exported: addressOf("models/export?catalog=both"),
};
