/** How Curator's own routes are asked, at the place this file came from. */

import { readJson } from "./exact-json.js";

const BASE = new URL("../../", import.meta.url);

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
 * @typedef {object} Options
 * @property {Record<string, string | number | boolean | undefined>} [query]
 * @property {unknown} [body]
 * @property {string} [match] the state that is to be changed, as an ETag
 * @property {string} [token] by which the server knows a call that is made again
 * @property {boolean} [exact] whether whole numbers that would be rounded come as BigInt
 * @property {AbortSignal} [signal]
 */

/**
 * @param {string} method
 * @param {string} path below /api/admin/
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export const call = async (method, path, options) => (await callTagged(method, path, options)).data;

/**
 * The same with the answer's ETag.
 * @param {string} method
 * @param {string} path below /api/admin/
 * @param {Options} [options]
 * @returns {Promise<{data: any, etag: string}>}
 */
export async function callTagged(method, path, { query = {}, body, match, token, exact, signal } = {}) {
  const address = new URL(path, BASE);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  /** @type {RequestInit} */
  const request = { method, signal, credentials: "same-origin" };
  const headers = new Headers();
  if (match) headers.set("If-Match", match);
  if (token) headers.set("Idempotency-Key", token);
  if (body instanceof FormData) {
    request.body = body;
  } else if (body !== undefined) {
    request.body = JSON.stringify(body);
    headers.set("Content-Type", "application/json");
  }
  request.headers = headers;
  let answer;
  try {
    answer = await fetch(address, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "Curator's server does not answer.");
  }
  const read = exact ? answer.text().then(readJson) : answer.json();
  const data = await read.catch(() => null);
  if (answer.ok && data !== null) return { data, etag: answer.headers.get("ETag") ?? "" };
  const text = typeof data?.error === "string" ? data.error : `The server answered ${answer.status}.`;
  throw new ApiError(answer.ok ? 0 : answer.status, text, data?.field);
}

/**
 * One part of a path.
 * @param {string | number} part
 */
export const enc = (part) => encodeURIComponent(part);

/**
 * The whole address of a route.
 * @param {string} path below /api/admin/
 */
export const addressOf = (path) => new URL(path, BASE).href;
