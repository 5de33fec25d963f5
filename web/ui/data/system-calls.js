/** The routes of the server itself: settings, the door, long work. */

import { addressOf, call, enc } from "./call.js";

/** @typedef {import("./picture-calls.js").Facts} Facts */

export const systemCalls = {
  /** @returns {Promise<{jobs: import("./jobs.js").Job[]}>} */
  jobs: () => call("GET", "jobs"),

  /** @param {string} id */
  cancelJob: (id) => call("POST", `jobs/${enc(id)}/cancel`),

  /** @returns {Promise<Facts>} */
  settings: () => call("GET", "settings"),

  /**
   * @param {Facts} changes
   * @returns {Promise<Facts>}
   */
  changeSettings: (changes) => call("PATCH", "settings", { body: changes }),

  /** @param {string} key */
  openSession: (key) => call("POST", "session", { body: { key } }),

  /** The page without ComfyUI. */
  page: addressOf("ui/"),

  /** Server-sent events of every change. */
  events: addressOf("events"),
};
