/** The gallery's routes. */

import { addressOf, call, enc } from "./call.js";
import { writeJson } from "./exact-json.js";

/**
 * @typedef {object} ItemMeta what the list knows of a picture
 * @property {string} [type] "image" or "video"
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {number | null} [duration] seconds
 * @property {string | null} [username]
 * @property {string | null} [prompt]
 * @property {string | null} [baseModel]
 * @property {string | null} [civitai_page]
 * @property {string | null} [postTitle]
 * @property {number | null} [reactions]
 */

/** @typedef {"original" | "community" | "own"} Source */

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {string} ext with its dot
 * @property {boolean} starred
 * @property {string | null} createdAt
 * @property {Source} [source]
 * @property {number | null} [number] on CivitAI
 * @property {string} [name] what the file was called, of own pictures
 * @property {number} [model_id]
 * @property {string} [model_name]
 * @property {number[]} [versions]
 * @property {number} [nsfw_level] CivitAI's bits; 0: unknown
 * @property {number[]} [tag_ids]
 * @property {boolean} [has_workflow]
 * @property {number} [file_size]
 * @property {ItemMeta} meta
 */

/**
 * @typedef {object} Filter
 * @property {string} [q]
 * @property {boolean} [starred]
 * @property {Source} [source]
 * @property {"image" | "video"} [type]
 * @property {number} [model_id]
 * @property {number} [version_id]
 * @property {string} [tags] names, with commas between
 * @property {number} [max_nsfw] the highest level
 */

/** @typedef {{id: number, name: string, count?: number}} Tag */
/** @typedef {{images: Item[], total: number, next: string | null}} ListPage */
/** @typedef {{model_id: number, name: string, count: number, thumb: string | null,
 *   thumb_level?: number}} GalleryModel `thumb`: id of a picture, and its level */
/** @typedef {{filename: string, subfolder: string, type: string}} InputFile */
/** @typedef {Record<string, unknown>} Facts */

export const pictureCalls = {
  /**
   * One page of the gallery, newest first: of all pictures, or of one model's own gallery.
   * @param {Filter} filter
   * @param {{limit: number, before?: string, signal?: AbortSignal}} page
   * @returns {Promise<ListPage>}
   */
  list: async ({ model_id, ...filter }, { limit, before, signal }) => {
    const options = { query: { ...filter, limit, before }, exact: true, signal };
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
    // Where no picture knows the name, the number stands for it; the catalog may know better.
    return models.map((/** @type {GalleryModel} */ model) => ({
      ...model,
      name: model.name === `Model ${model.model_id}` ? "" : model.name,
    }));
  },

  /**
   * Everything that is known of a picture.
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<Facts>}
   */
  meta: (id, signal) => call("GET", `loras/gallery/${enc(id)}/meta`, { exact: true, signal }),

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
   * How the run of a model stands.
   * @param {number} modelId
   * @returns {Promise<import("../run/run-facts.js").RunFacts>}
   */
  run: (modelId) => call("GET", `loras/${modelId}/gallery`, { query: { limit: 1 } }),

  /**
   * Start or stop it.
   * @param {number} modelId
   * @param {Record<string, unknown>} body
   * @returns {Promise<{status: string, message?: string}>}
   */
  changeRun: (modelId, body) => call("POST", `loras/${modelId}/gallery`, { body }),

  /**
   * @param {number} modelId
   * @returns {Promise<{deleted: number}>}
   */
  deleteGallery: (modelId) => call("DELETE", `loras/${modelId}/gallery`),

  /**
   * One picture, from every gallery and collection.
   * @param {string} id
   * @returns {Promise<{id: string}>}
   */
  deletePicture: (id) => call("DELETE", `gallery/${enc(id)}`),

  /**
   * The ComfyUI graph that a picture carries, as JSON.
   * @param {string} id
   */
  workflow: async (id) =>
    writeJson(await call("GET", `loras/gallery/${enc(id)}/workflow`, { exact: true })),

  /** @param {string} id */
  workflowFile: (id) => addressOf(`loras/gallery/${enc(id)}/workflow`),

  /**
   * Let it stand for a model.
   * @param {string} id
   * @param {number} modelId
   */
  setPreview: (id, modelId) =>
    call("POST", `loras/gallery/${enc(id)}/set-preview`, { query: { model_id: modelId } }),

  /**
   * @param {File} file
   * @param {number} modelId 0: of no model
   * @returns {Promise<{id: string}>}
   */
  addOwn: (file, modelId) => {
    const body = new FormData();
    body.append("image", file);
    const query = { model_id: modelId || undefined, name: file.name };
    return call("POST", "gallery/own", { query, body });
  },

  /**
   * Files of ComfyUI's output folder, newest first.
   * @param {string} q
   * @param {number} limit
   * @param {number} offset
   * @returns {Promise<{files: import("../intake/output-folder.js").OutputFile[], total: number}>}
   */
  output: (q, limit, offset) =>
    call("GET", "gallery/output", { query: { q: q || undefined, limit, offset } }),

  /** @param {string} path */
  outputThumb: (path) => addressOf(`gallery/output/thumb?path=${enc(path)}`),

  /**
   * @param {string[]} paths
   * @param {number} modelId
   * @returns {Promise<{items: Facts[], failed: {path: string, error: string}[]}>}
   */
  addFromOutput: (paths, modelId) =>
    call("POST", "gallery/own/from-output", { body: { paths, model_id: modelId || undefined } }),

  /**
   * Take over Studio's pictures, or say what that would be.
   * @param {string} path
   * @param {boolean} dry
   * @param {boolean} copy
   * @returns {Promise<import("./jobs.js").Job>}
   */
  adopt: (path, dry, copy) => call("POST", "gallery/adoption", { body: { path, dry_run: dry, link: !copy } }),

  /**
   * @param {string} id of a job
   * @returns {Promise<{report: unknown}>}
   */
  task: (id) => call("GET", `gallery/tasks/${enc(id)}`),

  /** @returns {Promise<import("../disk/disk-sheet.js").Disk>} */
  disk: () => call("GET", "gallery/disk"),

  /**
   * Remove what nothing refers to, or say what that would be.
   * @param {boolean} dry
   * @returns {Promise<import("./jobs.js").Job>}
   */
  cleanup: (dry) => call("POST", "gallery/cleanup", { body: { dry_run: dry } }),

  /** @returns {Promise<import("./jobs.js").Job>} */
  rebuild: () => call("POST", "gallery/rebuild", { body: {} }),

  /** @returns {Promise<{id: string}>} */
  makeThumbs: async () => ({ id: (await call("POST", "gallery/thumbs")).job_id }),

  /** @returns {Promise<Tag[]>} */
  tags: async () => (await call("GET", "civitai/tags")).tags,

  /**
   * Ask CivitAI for the names of tags that pictures carry.
   * @returns {Promise<{synced: number, total_known: number, unknown_remaining?: number}>}
   */
  syncTags: () => call("POST", "civitai/tags/sync"),

  /**
   * @param {string} id
   * @param {160 | 640} [size] px; 320 by itself
   */
  thumb: (id, size) => addressOf(`loras/gallery/thumb/${enc(id)}${size ? `?size=${size}` : ""}`),

  /** @param {Item} item */
  media: (item) => addressOf(`loras/gallery/media/${enc(item.id)}${item.ext}`),
};
