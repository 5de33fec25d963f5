/** An upload in words. */

import { leftText, rateText, sizeText } from "../parts/figures.js";
import { advice } from "../wanted/entries.js";
import { placeText } from "./files.js";
import { problemOf, stageOf } from "./items.js";

/**
 * @typedef {import("./items.js").Item} Item
 * @typedef {import("../data/jobs.js").Job} Job
 *
 * @typedef {object} Figures
 * @property {number} done bytes
 * @property {number} total bytes; 0: unknown
 * @property {number} rate bytes a second
 * @property {number | null} left seconds
 */

/** @type {Record<ReturnType<typeof stageOf>, string>} */
const WORDS = {
  queued: "Waiting for its turn",
  begins: "Begins …",
  sending: "Uploading",
  waiting: "Interrupted; trying again",
  paused: "Paused",
  stopped: "Choose the file again to go on",
  fetching: "Fetching",
  checking: "Checking",
  done: "",
  failed: "Failed",
  refused: "Not begun",
};

/**
 * @param {Item} item
 * @param {Job | undefined} job of the server, which knows how fast it fetches
 * @returns {Figures}
 */
export function figuresOf(item, job) {
  const { sending, upload, size } = item;
  const total = size || job?.total || 0;
  if (sending && sending.state !== "over") {
    const { done, rate } = sending;
    return { done, total, rate, left: rate ? (total - done) / rate : null };
  }
  const stage = stageOf(item);
  if (stage === "checking" || stage === "done") return { done: total, total, rate: 0, left: null };
  const done = upload?.receivedBytes ?? 0;
  const fetching = stage === "fetching" && job;
  if (!fetching) return { done, total, rate: 0, left: null };
  return { done: Math.max(done, job.done), total, rate: job.rate, left: job.eta_s };
}

/**
 * @param {Item} item
 * @param {Figures} figures
 */
export function factsText(item, { done, total, rate, left }) {
  const stage = stageOf(item);
  const problem = problemOf(item);
  if (stage === "done") return placeText(item.upload?.place);
  if (stage === "failed" || stage === "refused") {
    return [problem, advice(problem).text].filter((text) => text && text !== "Set it").join(" ");
  }
  const far = total ? `${sizeText(done)} of ${sizeText(total)}` : done ? sizeText(done) : "";
  const words = stage === "paused" && problem ? `Stopped: ${problem}` : WORDS[stage];
  const moving = stage === "sending" || stage === "fetching";
  const facts = [problem && stage === "stopped" ? problem : "", words, stage === "checking" ? "" : far];
  if (moving && rate) facts.push(rateText(rate), left === null ? "" : leftText(left));
  return facts.filter(Boolean).join(" · ");
}

/**
 * As the tray adds it to the transfers.
 * @param {Item} item
 * @param {Figures} figures
 * @returns {Pick<Job, "state" | "done" | "total" | "rate">}
 */
export function asJob(item, { done, total, rate }) {
  const stage = stageOf(item);
  /** @type {Job["state"]} */
  let state = "running";
  if (stage === "paused" || stage === "stopped") state = "paused";
  else if (stage === "failed" || stage === "refused") state = "failed";
  else if (stage === "done") state = "done";
  return { state, done, total: total || null, rate };
}

/**
 * Whether the settings are to be changed before it can go.
 * @param {string} problem
 */
export const isForSettings = (problem) =>
  advice(problem).settings === true || /\bsettings?\b|\bpickle/i.test(problem);
