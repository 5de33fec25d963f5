/** The gallery's routes. */

import { addressOf, call, enc } from "./call.js";

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
 */

/** @typedef {"original" | "community" | "own"} Source */

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {string} ext with its dot
 * @property {boolean} starred
 * @property {string | null} createdAt
 * @property {Source} [source]
 * @property {number} [model_id]
 * @property {ItemMeta} meta
 */

/**
 * @typedef {object} Filter
 * @property {string} [q]
 * @property {boolean} [starred]
 * @property {Source} [source]
 * @property {"image" | "video"} [type]
 * @property {number} [model_id]
 */

/** @typedef {{images: Item[], total: number, next: string | null}} ListPage */
/** @typedef {{model_id: number, name: string, count: number, thumb: string | null}} GalleryModel `thumb`: id of a picture */
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

  /** @param {string} id */
  thumb: (id) => addressOf(`loras/gallery/thumb/${enc(id)}`),

  /** @param {Item} item */
  media: (item) => addressOf(`loras/gallery/media/${enc(item.id)}${item.ext}`),
};
