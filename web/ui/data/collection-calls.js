/** The collections' routes. */

import { call, enc } from "./call.js";

/**
 * @typedef {object} Collection
 * @property {string} id
 * @property {string} name
 * @property {string} description
 * @property {string} color "#rrggbb" or empty
 * @property {number} models
 * @property {number} pictures
 * @property {string | null} cover id of a picture
 */

/** @typedef {"model" | "picture"} Kind */
/** @typedef {{kind: Kind, id: string}} Ref a model by its key, or a picture by its id */

/**
 * @typedef {Ref & {model?: import("./library-calls.js").Model | null,
 *   picture?: import("./picture-calls.js").Item | null}} Member null: it is gone
 */

const path = (/** @type {string} */ id, below = "") => `library/collections/${enc(id)}${below}`;

export const collectionCalls = {
  /** @returns {Promise<Collection[]>} by name */
  collections: async () => (await call("GET", "library/collections", { query: { limit: 1000 } })).collections,

  /**
   * The one of this name; new where there is none.
   * @param {string} name
   * @returns {Promise<Collection>}
   */
  addCollection: (name) => call("POST", "library/collections", { body: { name } }),

  /**
   * @param {string} id
   * @returns {Promise<Collection>}
   */
  collection: (id) => call("GET", path(id)),

  /**
   * @param {string} id
   * @param {{name?: string, description?: string, color?: string}} changes
   * @returns {Promise<Collection>}
   */
  changeCollection: (id, changes) => call("PATCH", path(id), { body: changes }),

  /** @param {string} id */
  deleteCollection: (id) => call("DELETE", path(id)),

  /**
   * Those that a model or picture is in.
   * @param {Ref} item
   * @returns {Promise<Collection[]>}
   */
  collectionsOf: async ({ kind, id }) =>
    (await call("GET", `library/collections/of/${kind}/${enc(id)}`)).collections,

  /**
   * @param {string} id
   * @param {{kind?: Kind, limit: number, offset: number, signal?: AbortSignal}} page
   * @returns {Promise<{items: Member[], total: number}>} in its order
   */
  members: (id, { kind, limit, offset, signal }) =>
    call("GET", path(id, "/items"), { query: { kind, limit, offset }, signal }),

  /**
   * @param {string} id
   * @param {Ref[]} items
   * @param {Ref | null} [before] at the end without
   * @returns {Promise<{added: number, already: number}>}
   */
  addMembers: (id, items, before = null) => call("POST", path(id, "/items"), { body: { items, before } }),

  /**
   * @param {string} id
   * @param {Ref[]} items
   * @returns {Promise<{removed: number}>}
   */
  removeMembers: (id, items) => call("DELETE", path(id, "/items"), { body: { items } }),

  /**
   * Put members, in this order, before another one.
   * @param {string} id
   * @param {Ref[]} items
   * @param {Ref | null} before null: they come last
   * @returns {Promise<Collection>}
   */
  orderMembers: (id, items, before) => call("POST", path(id, "/order"), { body: { items, before } }),
};
