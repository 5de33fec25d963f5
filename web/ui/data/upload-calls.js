/** The uploads' routes. */

import { ApiError, addressOf, call, enc } from "./call.js";

/**
 * @typedef {object} Part
 * @property {number} number from 1
 * @property {string} url signed
 * @property {boolean} received
 *
 * @typedef {{kind: "model" | "gallery" | "input" | "asset", folder?: string, file?: string,
 *   id?: string}} Place
 *
 * @typedef {object} Upload
 * @property {string} id
 * @property {string} kind
 * @property {"pending" | "validating" | "validated" | "imported" | "complete" | "failed"} status
 * @property {"multipart" | "url" | "civitai" | "huggingface"} source
 * @property {string} fileName
 * @property {string} [originalFileName] as it was given
 * @property {number} [fileSize]
 * @property {number} [partsCount]
 * @property {number} [receivedBytes] while it is open
 * @property {Part[]} [parts] while bytes are wanted, of one that is asked for by itself
 * @property {string} [url]
 * @property {string} [errorMessage]
 * @property {Place} [place]
 * @property {string} [entityId]
 * @property {string} updatedAt ISO
 *
 * @typedef {{kind?: string, fileName?: string, fileSize?: number, parts?: number,
 *   contentType?: string, config?: {type?: string, target?: string}, url?: string,
 *   huggingFaceModelName?: string}} Asked
 */

const STALLED = 60_000;

export const uploadCalls = {
  /**
   * The newest first.
   * @param {{status?: string, limit?: number, offset?: number}} query
   * @returns {Promise<{uploads: Upload[], total: number}>}
   */
  uploads: (query) => call("GET", "uploads", { query }),

  /**
   * With the addresses of its parts, renewed.
   * @param {string} id
   * @returns {Promise<Upload>}
   */
  upload: async (id) => (await call("GET", `uploads/${enc(id)}`)).upload,

  /**
   * @param {Asked} body
   * @param {string} token asked for again under the same one, it is the same upload
   * @returns {Promise<Upload>}
   */
  createUpload: async (body, token) => (await call("POST", "uploads", { body, token })).upload,

  /**
   * All parts are sent.
   * @param {string} id
   * @returns {Promise<Upload>}
   */
  completeUpload: async (id) =>
    (await call("POST", `uploads/${enc(id)}/action`, { body: { action: "complete" } })).upload,

  /**
   * End one that is open; forget one that has ended.
   * @param {string} id
   */
  removeUpload: (id) => call("DELETE", `uploads/${enc(id)}`),

  /**
   * Send a part. Only this old kind of request tells how much has gone out.
   * @param {string} id
   * @param {Part} part
   * @param {Blob} bytes
   * @param {AbortSignal} signal
   * @param {(sent: number) => void} progress
   * @returns {Promise<void>}
   */
  putPart: (id, part, bytes, signal, progress) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const over = new AbortController();
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let stalled;
      const end = (/** @type {() => void} */ act) => {
        clearTimeout(stalled);
        over.abort();
        act();
      };
      const unanswered = () => end(() => reject(new ApiError(0, "Curator's server does not answer.")));
      const watch = () => {
        clearTimeout(stalled);
        stalled = setTimeout(() => request.abort(), STALLED);
      };
      request.upload.onprogress = (event) => {
        watch();
        progress(event.loaded);
      };
      request.onload = () =>
        end(() => (request.status === 200 ? resolve() : reject(refusal(request.status, request.responseText))));
      request.onerror = request.onabort = unanswered;
      signal.addEventListener("abort", () => request.abort(), { signal: over.signal });
      // The server's name for itself may be another than the one this page knows it by.
      request.open("PUT", addressOf(`uploads/${enc(id)}/parts/${part.number}${new URL(part.url).search}`));
      watch();
      request.send(bytes);
    }),
};

/**
 * @param {number} status
 * @param {string} text
 */
function refusal(status, text) {
  let said = "";
  try {
    said = JSON.parse(text).error;
  } catch {
    // A proxy's page says nothing to a person.
  }
  return new ApiError(status, said || `The server answered ${status}.`);
}
