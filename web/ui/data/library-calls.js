/** The library's routes. */

import { addressOf, call, callTagged, enc } from "./call.js";

/** @typedef {{id: number, name: string, color?: string}} ModelTag */
/** @typedef {{place_id: string, path: string, file: string, types: string[], size_bytes?: number, mtime?: number}} Place */

/**
 * @typedef {object} Model a row of the list
 * @property {string} sha256 empty until it is hashed
 * @property {string} name
 * @property {string} type
 * @property {string} path
 * @property {string} file below its root
 * @property {number} size_bytes
 * @property {number} created_at ms
 * @property {ModelTag[]} tags
 * @property {string} base_model
 * @property {"present" | "missing"} status
 * @property {number} rating 0 to 5
 * @property {boolean} favorite
 * @property {string} place_id
 * @property {string[]} types
 * @property {boolean} [duplicate]
 * @property {Place[]} [places]
 */

/** @typedef {{text: string, group: string}} TriggerWord */
/** @typedef {{name: string, min: number | null, recommended: number | null, max: number | null}} Preset */

/**
 * @typedef {object} HeaderFacts
 * @property {string} [format]
 * @property {string} [error]
 * @property {number} [tensors]
 * @property {number} [parameters]
 * @property {string} [dtype]
 * @property {number} [rank]
 * @property {string} [kind]
 * @property {string} [told_type]
 * @property {string} [base_model]
 * @property {string} [reason]
 * @property {string} [title]
 * @property {string} [author]
 */

/**
 * @typedef {object} Texts
 * @property {string} description
 * @property {string} community_links
 * @property {number} images_count
 * @property {{positive: string, negative: string}} prompts
 */

/**
 * @typedef {Model & {
 *   meta_json: Texts,
 *   notes: string,
 *   trigger_words: TriggerWord[],
 *   presets: Preset[],
 *   recorded: boolean,
 *   auto_v2: string,
 *   auto_v3: string,
 *   facts: HeaderFacts,
 *   places: Place[],
 * }} FullModel
 */

/** @typedef {Partial<Pick<FullModel, "name" | "type" | "base_model" | "notes" | "rating" | "favorite" | "trigger_words" | "presets" | "meta_json"> & {tags: number[]}>} ModelChanges */

/** @typedef {"name" | "created_at" | "size_bytes" | "rating"} ModelSort */

/**
 * @typedef {object} ModelFilter
 * @property {string} [type] "others": of no known type
 * @property {string} [q]
 * @property {string} [tags] ids, with commas between: all of them
 * @property {string} [exclude_tags] ids, with commas between: none of them
 * @property {string} [base_model]
 * @property {boolean} [favorite]
 * @property {"present" | "missing"} [status]
 * @property {boolean} [duplicates]
 * @property {string} [collection]
 * @property {ModelSort} [sort]
 * @property {"asc" | "desc"} [order]
 */

/**
 * @typedef {object} Facets
 * @property {number} total
 * @property {{name: string, count: number}[]} base_models
 * @property {(ModelTag & {count: number})[]} tags
 * @property {{name: string, count: number}[]} types
 * @property {number} favorites
 * @property {number} missing
 * @property {number} duplicates
 */

/**
 * @typedef {object} Hashing
 * @property {"idle" | "running" | "paused" | "waiting"} state
 * @property {number} files_left
 * @property {number} bytes_left
 * @property {number} failed
 * @property {number} rate bytes a second
 * @property {number | null} eta_s
 */

/** @typedef {{samples: number, picture: string | null, nsfw_level: number}} Face */
/** @typedef {{id: number, name: string, image: string | null, type: string, tags: ModelTag[] | string[]}} Pending */
/** @typedef {"override" | "merge" | "ignore" | "delete"} Strategy */

/**
 * @typedef {object} Imported
 * @property {number[]} success
 * @property {{pending: {id: number, path: string}, existing: {id: string, path: string}}[]} conflict
 * @property {number[]} [ignored]
 * @property {number[]} [deleted]
 * @property {{id: number, error: string}[]} failed
 */

/** @param {Model} model */
export const keyOf = (model) => model.sha256 || model.place_id;

/** Widths of a sample picture. @typedef {"high" | "medium" | "low"} Quality */

export const libraryCalls = {
  /**
   * @param {ModelFilter} filter
   * @param {{limit: number, offset: number, signal?: AbortSignal}} page
   * @returns {Promise<{models: Model[], total: number, complete: boolean}>} not complete: more may come
   */
  library: (filter, { limit, offset, signal }) =>
    call("GET", filter.type ? "models" : "library/models", { query: { ...filter, limit, offset }, signal }),

  /**
   * @param {ModelFilter} filter
   * @returns {Promise<Facets>}
   */
  facets: (filter) => call("GET", "library/facets", { query: { ...filter } }),

  /** @returns {Promise<string[]>} */
  modelTypes: async () => (await call("GET", "models/get_types")).types,

  /** @returns {Promise<{complete: boolean, models: number, places: number, hashing: Hashing}>} */
  libraryStatus: () => call("GET", "library/status"),

  /** @param {"pause" | "resume"} act */
  hashing: (act) => call("POST", `library/hashing/${act}`),

  /** @returns {Promise<{id: string}>} */
  scanLibrary: async () => (await call("POST", "library/scan", { body: {} })).job,

  /**
   * @param {string[]} keys
   * @returns {Promise<Record<string, Face>>}
   */
  faces: async (keys) => (await call("GET", "library/faces", { query: { keys: keys.join(",") } })).faces,

  /**
   * @param {string} key
   * @param {AbortSignal} [signal]
   * @returns {Promise<{data: FullModel, etag: string}>}
   */
  model: (key, signal) => callTagged("GET", `models/${enc(key)}`, { signal }),

  /**
   * @param {string} key
   * @param {ModelChanges} body
   * @param {string} [match] the state they are meant for
   * @returns {Promise<{data: FullModel, etag: string}>}
   */
  changeModel: (key, body, match) => callTagged("PATCH", `models/${enc(key)}`, { body, match }),

  /**
   * @param {string} placeId
   * @returns {Promise<{facts: HeaderFacts, metadata: Record<string, unknown>, dtypes: Record<string, number>, error?: string}>}
   */
  place: (placeId) => call("GET", `library/places/${enc(placeId)}`),

  /**
   * @param {string} key
   * @param {number} limit
   * @returns {Promise<{images: import("./picture-calls.js").Item[], total: number}>}
   */
  picturesOf: (key, limit) =>
    call("GET", `library/models/${enc(key)}/pictures`, { query: { limit }, exact: true }),

  /**
   * @param {string} key
   * @returns {Promise<{checked: number | null, found: Record<string, any> | null}>}
   */
  civitaiOf: (key) => call("GET", `library/models/${enc(key)}/civitai`),

  /**
   * @param {string} key
   * @returns {Promise<{last_used: number | null}>}
   */
  useOf: (key) => call("GET", `library/models/${enc(key)}/use`),

  /**
   * @param {string[] | undefined} keys all of them without
   * @param {boolean} [again]
   * @returns {Promise<{id: string}>}
   */
  lookUp: async (keys, again = false) => (await call("POST", "library/lookup", { body: { keys, again } })).job,

  /**
   * @param {boolean} dry
   * @param {string[]} [keys]
   * @returns {Promise<{id: string}>}
   */
  importSidecars: async (dry, keys) =>
    (await call("POST", "library/sidecars", { body: { keys, dry_run: dry } })).job,

  /**
   * @param {string} key
   * @returns {Promise<{count: number}>}
   */
  sampleCount: (key) => call("GET", "images/get_img_num", { query: { sha256: key } }),

  /**
   * @param {string} key
   * @param {number} seq
   * @param {Quality} quality
   * @param {number} [version] so that a browser asks anew after a change
   */
  sample: (key, seq, quality, version = 0) =>
    addressOf(`images/${enc(key)}_${seq}.webp?quality=${quality}${version ? `&v=${version}` : ""}`),

  /**
   * @param {string} key
   * @param {File} file
   */
  addSample: (key, file) => {
    const body = new FormData();
    body.append("sha256", key);
    body.append("image", file);
    return call("POST", "images/upload", { body });
  },

  /**
   * @param {string} key
   * @param {number} seq
   * @param {string} [match] the picture that is meant
   */
  deleteSample: (key, seq, match) =>
    call("DELETE", "images/delete", { query: { sha256: key, seq }, match }),

  /** @returns {Promise<(ModelTag & {models: number})[]>} */
  modelTags: async () => (await call("GET", "library/tags")).tags,

  /**
   * The tags of these names, new where there are none.
   * @param {string[]} names
   * @returns {Promise<ModelTag[]>}
   */
  addModelTags: async (names) => (await call("POST", "tags_add", { body: { newtags: names } })).tags,

  /**
   * @param {number} id
   * @param {{name?: string, color?: string}} changes
   */
  changeTag: (id, changes) => call("PATCH", `library/tags/${id}`, { body: changes }),

  /**
   * @param {number} id
   * @param {number} into
   */
  mergeTag: (id, into) => call("POST", `library/tags/${id}/merge`, { body: { into } }),

  /** @param {number} id */
  deleteTag: (id) => call("DELETE", `library/tags/${id}`),

  /**
   * @param {Record<string, unknown> & {keys: string[]}} body
   * @returns {Promise<{changed: number, unchanged: number, unknown: string[]}>}
   */
  changeModels: (body) => call("POST", "library/bulk", { body }),

  /**
   * Their files go to the trash; what was said of them stays.
   * @param {string[]} keys
   * @returns {Promise<{deleted: number, unknown: string[], failed: {file: string, reason: string}[]}>}
   */
  trashModels: (keys) => call("POST", "library/delete", { body: { keys } }),

  /**
   * @param {{rule: string, keys: string[], file?: string, dry_run: boolean}} body
   * @returns {Promise<{id: string}>}
   */
  moveModels: async (body) => (await call("POST", "library/move", { body })).job,

  /**
   * @param {string} id
   * @returns {Promise<{id: string}>}
   */
  undoMove: async (id) => (await call("POST", `library/moves/${enc(id)}/undo`)).job,

  /** @returns {Promise<{id: string, rule: string, created: number, moved: number, undone: boolean}[]>} */
  moves: async () => (await call("GET", "library/moves", { query: { limit: 20 } })).moves,

  /**
   * @param {string} id of a job
   * @returns {Promise<{report: any}>}
   */
  libraryReport: (id) => call("GET", `library/reports/${enc(id)}`),

  /**
   * @param {number} limit
   * @returns {Promise<{groups: {model: Model, wasted_bytes: number}[], total: number, wasted_bytes: number}>}
   */
  duplicates: (limit) => call("GET", "library/duplicates", { query: { limit } }),

  /**
   * @param {number} days
   * @param {number} limit
   * @returns {Promise<{models: (Model & {last_used: number | null})[], total: number, size_bytes: number}>}
   */
  unused: (days, limit) => call("GET", "library/unused", { query: { days, limit } }),

  /** Stage what lies in the folders and no record has taken up. */
  stageModels: () => call("POST", "models/scan", { body: {} }),

  /**
   * @param {number} limit
   * @param {number} offset
   * @returns {Promise<{models: Pending[], total: number}>}
   */
  pending: (limit, offset) => call("GET", "migration/pending_models", { query: { limit, offset } }),

  /** @param {number} id */
  pendingImage: (id) => addressOf(`images/pending/${id}?quality=low`),

  /**
   * @param {number[]} ids
   * @param {Strategy | null} strategy
   * @returns {Promise<Imported>}
   */
  importPending: (ids, strategy) =>
    call("POST", "migration/import_models", { body: { id: ids, conflict_strategy: strategy } }),

  /**
   * @param {string} path
   * @param {string} images
   */
  migrate: (path, images) =>
    call("POST", "migration/migrate_legacy_db", {
      body: { legacy_db_path: path, ...(images ? { legacy_images_dir: images } : {}) },
    }),

  /**
   * @param {boolean} pictures
   * @returns {Promise<{id: string}>}
   */
  exportLibrary: async (pictures) => (await call("POST", "library/export", { body: { pictures } })).job,

  /** @returns {Promise<{name: string, size_bytes: number, created: number}[]>} */
  exports: async () => (await call("GET", "library/exports")).exports,

  /** @param {string} name */
  deleteExport: (name) => call("DELETE", `library/exports/${enc(name)}`),

  /** @param {string} name */
  exportFile: (name) => addressOf(`library/exports/${enc(name)}`),

  /**
   * @param {File} file
   * @param {boolean} dry
   * @returns {Promise<{id: string}>}
   */
  importLibrary: async (file, dry) => {
    const body = new FormData();
    body.append("file", file);
    return (await call("POST", "library/import/upload", { query: { dry_run: dry }, body })).job;
  },

  /** @returns {Promise<{id: string}>} */
  backUp: async () => (await call("POST", "library/backups", { body: {} })).job,

  /** @returns {Promise<{name: string, size_bytes: number, created: number}[]>} */
  backups: async () => (await call("GET", "library/backups")).backups,

  /** @param {string} name */
  backupFile: (name) => addressOf(`library/backups/${enc(name)}`),
};
