/** Curator's own routes, asked at the place this file came from. */

const BASE = new URL("../../", import.meta.url);

/**
 * @typedef {object} ItemMeta what the list knows of a picture; all of it from CivitAI
 * @property {string} [type] "image" or "video"
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {number | null} [duration] seconds
 * @property {string | null} [username]
 * @property {string | null} [prompt]
 * @property {string | null} [baseModel]
 * @property {string | null} [civitai_page]
 */

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {string} ext with its dot
 * @property {boolean} starred
 * @property {string | null} createdAt
 * @property {"original" | "community"} [source]
 * @property {number} [model_id]
 * @property {ItemMeta} meta
 */

/**
 * @typedef {object} Filter
 * @property {string} [q]
 * @property {boolean} [starred]
 * @property {"original" | "community"} [source]
 * @property {"image" | "video"} [type]
 * @property {number} [model_id]
 */

/** @typedef {{images: Item[], total: number, next: string | null}} ListPage */
/** @typedef {{model_id: number, name: string, count: number, thumb: string | null}} GalleryModel `thumb`: id of a picture */
/** @typedef {{filename: string, subfolder: string, type: string}} InputFile */
/** @typedef {Record<string, unknown>} Facts */

/** A refusal or failure, in the words of the server. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when no answer came
   * @param {string} text
   * @param {string} [field] the input that is to blame
   */
  constructor(status, text, field) {
    super(text);
    this.status = status;
    this.field = field;
  }
}

/**
 * Words for a failure of any kind.
 * @param {unknown} error
 */
export function words(error) {
  if (error instanceof ApiError) return error.message;
  return "Something went wrong on this page; the browser's console says what.";
}

/**
 * @param {string} method
 * @param {string} path below /api/admin/
 * @param {{query?: Record<string, string | number | boolean | undefined>, body?: unknown,
 *   signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
async function call(method, path, { query = {}, body, signal } = {}) {
  const address = new URL(path, BASE);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  /** @type {RequestInit} */
  const request = { method, signal, credentials: "same-origin" };
  if (body instanceof FormData) {
    request.body = body;
  } else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json" };
  }
  let answer;
  try {
    answer = await fetch(address, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "Curator's server does not answer.");
  }
  const data = await answer.json().catch(() => null);
  if (answer.ok && data !== null) return data;
  const text = typeof data?.error === "string" ? data.error : `The server answered ${answer.status}.`;
  throw new ApiError(answer.ok ? 0 : answer.status, text, data?.field);
}

/**
 * @param {string} file
 * @param {string} act
 */
const transferPath = (file, act) => `models/download/${enc(file)}${act && `/${act}`}`;

/** @param {string | number} part */
const enc = (part) => encodeURIComponent(part);

export const api = {
  /**
   * One page of the gallery, newest first: of all pictures, or of one model's own gallery.
   * @param {Filter} filter
   * @param {{limit: number, before?: string, signal?: AbortSignal}} page
   * @returns {Promise<ListPage>}
   */
  list: async ({ model_id, ...filter }, { limit, before, signal }) => {
    const options = { query: { ...filter, limit, before }, signal };
    if (model_id === undefined) return call("GET", "gallery", options);
    const { images, images_total, next } = await call("GET", `loras/${model_id}/gallery`, options);
    return { images, total: images_total, next };
  },

  /**
   * The models to filter by; pictures without a known one count as model 0.
   * @returns {Promise<GalleryModel[]>}
   */
  models: async () => {
    const { models } = await call("GET", "gallery/models");
    return models.map((/** @type {GalleryModel} */ model) => ({
      ...model,
      name: model.name || "No known LoRA",
    }));
  },

  /**
   * Everything that is known of a picture.
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<Facts>}
   */
  meta: (id, signal) => call("GET", `loras/gallery/${enc(id)}/meta`, { signal }),

  /**
   * @param {string} id
   * @param {boolean} starred
   * @returns {Promise<{starred: boolean}>}
   */
  star: (id, starred) => call("POST", `loras/gallery/${enc(id)}/star`, { body: { starred } }),

  /**
   * Put a picture into ComfyUI's input folder; a video gives a frame unless `whole`.
   * @param {string} id
   * @param {boolean} [whole]
   * @returns {Promise<InputFile>}
   */
  toInput: (id, whole = false) =>
    call("POST", `loras/gallery/to-input/${enc(id)}`, { query: { as: whole ? "media" : undefined } }),

  /**
   * @param {string} imageId
   * @returns {Promise<Facts & {id?: string, civitai_id?: string}>}
   */
  addImage: (imageId) => call("POST", `loras/gallery/download-single/${enc(imageId)}`),

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
   * A catalog with the state of each entry.
   * @param {import("../wanted/entries.js").CatalogName} name
   * @returns {Promise<import("../wanted/entries.js").List>}
   */
  catalog: (name) => call("GET", name),

  /** @returns {Promise<{jobs: import("../wanted/entries.js").Job[]}>} */
  jobs: () => call("GET", "jobs"),

  /** @param {string} id */
  cancelJob: (id) => call("POST", `jobs/${enc(id)}/cancel`),

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
  exported: new URL("models/export?catalog=both", BASE).href,

  /** @returns {Promise<Facts>} */
  settings: () => call("GET", "settings"),

  /**
   * @param {Facts} changes
   * @returns {Promise<Facts>}
   */
  changeSettings: (changes) => call("PATCH", "settings", { body: changes }),

  /** @param {string} key */
  openSession: (key) => call("POST", "session", { body: { key } }),

  /** @param {string} id */
  thumb: (id) => new URL(`loras/gallery/thumb/${enc(id)}`, BASE).href,

  /** @param {Item} item */
  media: (item) => new URL(`loras/gallery/media/${enc(item.id)}${item.ext}`, BASE).href,

  /** The page without ComfyUI. */
  page: new URL("ui/", BASE).href,

  /** Server-sent events of every change. */
  events: new URL("events", BASE).href,
};
