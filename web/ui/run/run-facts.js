/** A run that fetches a model's pictures: what is asked of it, and how it stands in words. */

import { countText } from "../parts/figures.js";

/**
 * @typedef {object} RunFacts G of a model without its pictures
 * @property {"idle" | "downloading" | "stopping" | "stopped" | "done"} status
 * @property {number} downloaded
 * @property {number} skipped were here already
 * @property {number} [failed]
 * @property {number} [untold] of the failed: here, but how they were made could not be asked
 * @property {number | null} total
 * @property {Failure[]} [failures] the first of those that failed
 * @property {string | null} [error]
 * @property {number} images_total
 * @property {string | null} default_preview
 * @property {string | null} custom_preview
 */

/** @typedef {{id: string, page: string | null, reason: string}} Failure */

/**
 * @typedef {object} RunChoice what a person has chosen
 * @property {number} count
 * @property {"all" | "cards"} from
 * @property {"" | "image" | "video"} type
 * @property {"None" | "Soft" | "Mature" | "X"} nsfw the highest level, in CivitAI's words
 * @property {string} sort
 * @property {string} period
 * @property {boolean} withMeta
 * @property {boolean} fromPlatform
 */

/** @type {RunChoice} */
export const USUAL = {
  count: 200,
  from: "all",
  type: "",
  nsfw: "X",
  sort: "Newest",
  period: "AllTime",
  withMeta: false,
  fromPlatform: false,
};

export const MOST = 1000;

/**
 * What is sent to start it.
 * @param {RunChoice} choice
 * @param {number} [version]
 * @returns {Record<string, unknown>}
 */
export function runBody(choice, version) {
  const count = Math.min(MOST, Math.max(1, Math.round(choice.count) || USUAL.count));
  return {
    action: choice.from === "cards" ? "start:cards" : `start:${count}`,
    types: choice.type ? [choice.type] : null,
    nsfw: choice.nsfw,
    sort: choice.sort,
    period: choice.period,
    with_meta: choice.withMeta,
    from_platform: choice.fromPlatform,
    ...(version === undefined ? {} : { version_id: version }),
  };
}

/**
 * What was chosen last time; what is not known is as usual.
 * @param {string | null} kept
 * @returns {RunChoice}
 */
export function readChoice(kept) {
  try {
    const said = JSON.parse(kept ?? "{}");
    const known = Object.entries(USUAL).map(([name, usual]) => [
      name,
      typeof said[name] === typeof usual ? said[name] : usual,
    ]);
    return Object.fromEntries(known);
  } catch {
    return USUAL;
  }
}

/** @param {RunFacts} facts */
export const isGoing = ({ status }) => status === "downloading" || status === "stopping";

/** @param {RunFacts} facts */
export const seen = ({ downloaded, skipped, failed = 0, untold = 0 }) =>
  downloaded + skipped + failed - untold;

/**
 * How far it is, 0 to 1; 0 while nobody knows.
 * @param {RunFacts} facts
 */
export const share = (facts) => (facts.total ? Math.min(1, seen(facts) / facts.total) : 0);

/**
 * How it stands or how it has ended; empty when there is nothing to say.
 * @param {RunFacts} facts
 */
export function runWords(facts) {
  const { status, downloaded, skipped, failed = 0, untold = 0, total, error } = facts;
  const failures = failed > untold ? [`${failed - untold} failed`] : [];
  if (untold) failures.push(`${untold} without metadata`);
  if (status === "stopping") return "Stopping …";
  if (status === "downloading") {
    if (!total && !seen(facts)) return "Asking CivitAI …";
    return [total ? `${seen(facts)} of ${total}` : seen(facts), ...failures].join(" · ");
  }
  if (error) return error;
  if (status === "idle") return "";
  const known = skipped ? [`${skipped} known`] : [];
  const news = downloaded ? countText(downloaded, "new picture") : "Nothing new";
  return [status === "stopped" ? `Stopped: ${news}` : news, ...known, ...failures].join(" · ");
}
