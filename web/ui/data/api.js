/** Curator's own routes, as one thing. */

import { ApiError, words } from "./call.js";
import { catalogCalls } from "./catalog-calls.js";
import { collectionCalls } from "./collection-calls.js";
import { libraryCalls } from "./library-calls.js";
import { pictureCalls } from "./picture-calls.js";
import { systemCalls } from "./system-calls.js";
import { uploadCalls } from "./upload-calls.js";

export { ApiError, words };

/**
 * @typedef {import("./picture-calls.js").Item} Item
 * @typedef {import("./picture-calls.js").Filter} Filter
 * @typedef {import("./picture-calls.js").ListPage} ListPage
 * @typedef {import("./picture-calls.js").GalleryModel} GalleryModel
 * @typedef {import("./picture-calls.js").InputFile} InputFile
 * @typedef {import("./picture-calls.js").Source} Source
 * @typedef {import("./picture-calls.js").Tag} Tag
 * @typedef {import("./picture-calls.js").Facts} Facts
 */

export const api = {
  ...pictureCalls,
  ...catalogCalls,
  ...libraryCalls,
  ...collectionCalls,
  ...systemCalls,
  ...uploadCalls,
};
