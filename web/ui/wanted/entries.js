/** The catalog's entries as the screen shows them: states, filters, order, figures. */

/** @typedef {"present" | "missing" | "queued" | "downloading" | "paused" | "error" | "partial"} State */

/**
 * @typedef {object} Item an entry as the server lists it
 * @property {string} name
 * @property {string} file
 * @property {string} dest
 * @property {string} status
 * @property {string} base_model
 * @property {number} on_disk_bytes
 * @property {number} expected_bytes
 * @property {number} speed
 * @property {number | null} eta_s
 * @property {string | null} error
 * @property {string} [transfer] the job that fetches it
 * @property {string[]} [tags]
 * @property {string[]} [civitai_tags]
 * @property {string[]} [trigger_words]
 * @property {number | null} [civitai_model_id]
 * @property {number | null} [civitai_version_id]
 * @property {string | null} [hf_repo]
 * @property {string | null} [url]
 * @property {Update | null} [update]
 */

/** @typedef {{version_id: number, name: string}} Update a newer version than the one here */
/** @typedef {{file: string, line: number, column: number, text: string}} Problem */
/** @typedef {{categories: {id: string, name: string, models: Item[]}[], problem: Problem | null}} List */
/** @typedef {"models" | "loras"} CatalogName */

/**
 * @typedef {object} Entry
 * @property {string} key unique in the list
 * @property {CatalogName} catalog
 * @property {string} category
 * @property {Item} item
 * @property {State} state
 * @property {number} done bytes
 * @property {number} total bytes; 0 when unknown
 * @property {number} rate
 * @property {number | null} left seconds
 * @property {string} error
 * @property {string} words what is searched, lower case
 */

/** @typedef {import("../data/jobs.js").Job} Job */
/** @typedef {{text: string, only: "" | "missing" | "failed", category: string}} Wanted */
/** @typedef {{kind: "head", key: string, name: string, count: number}
 *   | {kind: "entry", key: string, entry: Entry}} Row */

/** @type {State[]} */
const STATES = ["present", "missing", "queued", "downloading", "paused", "error", "partial"];

/** @type {Record<State, string>} */
export const STATE_WORDS = {
  present: "Here",
  missing: "Missing",
  queued: "Queued",
  downloading: "Fetching",
  paused: "Paused",
  error: "Failed",
  partial: "Partial",
};

/** @type {Record<string, State>} */
const BY_JOB = { queued: "queued", running: "downloading", paused: "paused", failed: "error" };

/**
 * Every entry of both lists, in their order.
 * @param {Record<CatalogName, List>} lists
 * @returns {Entry[]}
 */
export function readEntries(lists) {
  /** @type {Entry[]} */
  const entries = [];
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const catalog of /** @type {CatalogName[]} */ (["models", "loras"])) {
    for (const category of lists[catalog].categories) {
      for (const item of category.models) {
        const place = `${catalog}/${item.dest}/${item.file}`;
        const count = seen.get(place) ?? 0;
        seen.set(place, count + 1);
        entries.push(readEntry(count ? `${place}#${count}` : place, catalog, category.name, item));
      }
    }
  }
  return entries;
}

/**
 * @param {string} key
 * @param {CatalogName} catalog
 * @param {string} category
 * @param {Item} item
 * @returns {Entry}
 */
function readEntry(key, catalog, category, item) {
  const tags = [item.tags, item.civitai_tags, item.trigger_words].filter(Array.isArray).flat();
  return {
    key,
    catalog,
    category: String(category),
    item,
    state: STATES.find((state) => state === item.status) ?? "missing",
    done: item.on_disk_bytes || 0,
    total: item.expected_bytes || 0,
    rate: item.speed || 0,
    left: item.eta_s ?? null,
    error: item.error ?? "",
    words: [item.name, item.file, item.base_model, ...tags].join(" ").toLowerCase(),
  };
}

/**
 * Bring entries to what their jobs say now; whether a job has come to another state than known.
 * @param {Entry[]} entries
 * @param {Job[]} jobs
 */
export function applyJobs(entries, jobs) {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  for (const entry of entries) {
    const job = entry.item.transfer ? byId.get(entry.item.transfer) : undefined;
    const state = job && BY_JOB[job.state];
    if (!job || !state) continue;
    entry.state = state;
    entry.done = job.done;
    entry.total = job.total ?? entry.total;
    entry.rate = job.rate;
    entry.left = job.eta_s;
    entry.error = job.error ?? "";
  }
}

/**
 * Whether anything says where the file is had.
 * @param {Entry} entry
 */
export const hasSource = ({ item }) => Boolean(item.civitai_version_id || item.hf_repo || item.url);

/** @param {Item} item */
export const isLora = ({ dest }) => /^loras(\/|$)/.test(dest ?? "");

/**
 * Whether it could also stand in `loras.json`.
 * @param {Entry} entry
 */
export const canBePromoted = ({ catalog, item }) =>
  catalog === "models" && Boolean(item.civitai_version_id) && isLora(item);

/**
 * The page where the entry comes from, if it is a known one.
 * @param {Entry} entry
 * @returns {{site: string, address: string} | null}
 */
export function homePage({ item }) {
  if (item.civitai_model_id) {
    const version = item.civitai_version_id ? `?modelVersionId=${item.civitai_version_id}` : "";
    return { site: "CivitAI", address: `https://civitai.com/models/${item.civitai_model_id}${version}` };
  }
  if (item.hf_repo) {
    const path = item.hf_repo.split("/").map(encodeURIComponent).join("/");
    return { site: "Hugging Face", address: `https://huggingface.co/${path}` };
  }
  return null;
}

/**
 * What fits the search and the filters, in the order of the catalog.
 * @param {Entry[]} entries
 * @param {Wanted} wanted
 */
export function filterEntries(entries, { text, only, category }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(
    (entry) =>
      (!category || entry.category === category) &&
      (only !== "missing" || entry.state !== "present") &&
      (only !== "failed" || entry.state === "error") &&
      words.every((word) => entry.words.includes(word)),
  );
}

/**
 * Entries below the heads of their categories; one name is one head in both catalogs.
 * @param {Entry[]} entries
 * @returns {Row[]}
 */
export function groupRows(entries) {
  /** @type {Map<string, Entry[]>} */
  const groups = new Map();
  for (const entry of entries) {
    const group = groups.get(entry.category);
    if (group) group.push(entry);
    else groups.set(entry.category, [entry]);
  }
  return [...groups].flatMap(([name, group]) => [
    /** @type {Row} */ ({ kind: "head", key: `head ${name}`, name, count: group.length }),
    ...group.map((entry) => /** @type {Row} */ ({ kind: "entry", key: entry.key, entry })),
  ]);
}

/**
 * @param {Entry[]} entries
 * @returns {{total: number, missing: number, failed: number, get: Entry[], bytes: number}}
 *   `get`: what is missing and can be fetched, and its `bytes` as far as they are known
 */
export function figures(entries) {
  const get = entries.filter((each) => ["missing", "partial"].includes(each.state) && hasSource(each));
  return {
    total: entries.length,
    missing: entries.filter((each) => each.state !== "present").length,
    failed: entries.filter((each) => each.state === "error").length,
    get,
    bytes: get.reduce((sum, each) => sum + Math.max(0, each.total - each.done), 0),
  };
}

/**
 * What a person can do about a failure, when its text leads somewhere.
 * @param {string} error
 * @returns {{text: string, settings?: boolean}}
 */
export function advice(error) {
  if (/\b(key|token)\b/i.test(error)) return { text: "Set it", settings: true };
  if (/\bfree\b|\broom\b|disk is full/i.test(error)) return { text: "Make room, then Retry." };
  if (/another file|already (is|lies)|would be overwritten/i.test(error)) {
    return { text: "Move the other file away, then Retry." };
  }
  return { text: "" };
}

/**
 * What runs or waits, taken together.
 * @param {Pick<Job, "state" | "done" | "total" | "rate">[]} jobs
 */
export function sumJobs(jobs) {
  const going = jobs.filter((job) => job.state === "running" || job.state === "queued");
  const rate = going.reduce((sum, job) => sum + job.rate, 0);
  const known = going.filter((job) => job.total);
  const total = known.reduce((sum, job) => sum + (job.total ?? 0), 0);
  const done = known.reduce((sum, job) => sum + Math.min(job.done, job.total ?? 0), 0);
  const sure = known.length === going.length && rate > 0;
  return {
    going: going.length,
    paused: jobs.filter((job) => job.state === "paused").length,
    failed: jobs.filter((job) => job.state === "failed").length,
    done: jobs.filter((job) => job.state === "done").length,
    rate,
    share: total ? done / total : 0,
    left: sure ? (total - done) / rate : null,
  };
}
