/** One upload as this page knows it, and in which stage it is. */

import { words } from "../data/api.js";
import { FileGone } from "./sending.js";

/**
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 * @typedef {import("../data/upload-calls.js").Asked} Asked
 *
 * @typedef {object} Item
 * @property {string} key
 * @property {string} name
 * @property {number} size 0: unknown
 * @property {Asked} body what the server was asked for; empty for one that somebody else began
 * @property {string} token by which the server knows a create that it is asked for again
 * @property {boolean} begins the create has no answer yet
 * @property {File | null} file
 * @property {Upload | null} upload null until the server has it
 * @property {import("./sending.js").Sending | null} sending
 * @property {unknown} error why it could not be begun, or goes no further
 */

/**
 * @param {Pick<Item, "key" | "name" | "size" | "body" | "file"> & Partial<Item>} facts
 * @returns {Item}
 */
export const newItem = (facts) => ({ token: "", begins: false, upload: null, sending: null, error: null, ...facts });

/** @param {Upload | null} upload */
export const hasEnded = (upload) => upload?.status === "complete" || upload?.status === "failed";

/** @param {Item} item */
export const isQueued = ({ upload, error, begins }) => !upload && !error && !begins;

/** @param {Item} item */
export function isGoing({ upload, sending, error, begins, file }) {
  if (error || hasEnded(upload)) return false;
  if (!upload) return begins;
  return Boolean(file) && sending !== null && sending.state !== "paused" && sending.state !== "over";
}

/**
 * What stands in the row of an upload.
 * @param {Item} item
 * @returns {"queued" | "begins" | "sending" | "waiting" | "paused" | "stopped" | "fetching"
 *   | "checking" | "done" | "failed" | "refused"} `stopped`: its file is to be chosen again;
 *   `refused`: no answer says that the server has it
 */
export function stageOf({ upload, sending, error, begins }) {
  if (!upload) return error ? "refused" : begins ? "begins" : "queued";
  if (upload.status === "complete") return "done";
  if (upload.status === "failed") return "failed";
  if (upload.status !== "pending") return "checking";
  if (upload.source !== "multipart") return "fetching";
  if (!sending) return "stopped";
  return sending.state === "over" ? "checking" : sending.state;
}

/** @param {Item} item */
export function problemOf({ upload, error }) {
  if (upload?.status === "failed") return upload.errorMessage ?? "It failed.";
  if (error instanceof FileGone) return error.message;
  return error ? words(error) : "";
}

/** A new one; `crypto.randomUUID` is not there on pages without TLS. */
export const newToken = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
