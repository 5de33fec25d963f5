/** What is known of a picture, brought from the many ways it is written into one. */

import { writeJson } from "../data/exact-json.js";
import { levelName } from "../gallery/levels.js";
import { sizeText } from "../parts/figures.js";

/** @typedef {Record<string, unknown>} Facts */

/**
 * @typedef {object} Resource a model that had a part in it
 * @property {string} name
 * @property {string} type
 * @property {string} strength
 * @property {string} hash
 * @property {number | null} modelId on CivitAI
 * @property {number | null} versionId
 * @property {"present" | "missing" | "unknown" | ""} status of its file; empty while nobody has looked
 * @property {string} file as the catalog has it
 * @property {string} dest
 * @property {string | null} address its page on CivitAI
 */

/**
 * @typedef {object} PictureFacts every text as it came: hostile until shown as text
 * @property {string} prompt
 * @property {string} negative
 * @property {[string, string][]} settings label and value
 * @property {Resource[]} resources
 * @property {string} author
 * @property {string} date as a person reads it
 * @property {string | null} page its page on CivitAI
 * @property {string} name what an own picture was called
 * @property {string} raw everything that is known, as JSON; empty while it has not come
 */

/** @type {[string, string[]][]} label, and the names it goes by */
const SETTINGS = [
  ["Sampler", ["sampler", "Sampler"]],
  ["Scheduler", ["scheduler", "Schedule type"]],
  ["Steps", ["steps", "Steps"]],
  ["CFG", ["cfgScale", "CFG scale", "cfg"]],
  ["Seed", ["seed", "Seed"]],
  ["Clip skip", ["clipSkip", "Clip skip"]],
  ["Denoise", ["denoise", "Denoising strength"]],
];

/** @param {unknown} value @returns {Facts} */
function object(value) {
  return value && typeof value === "object" && !Array.isArray(value)
    ? /** @type {Facts} */ (value)
    : {};
}

/** @param {unknown} value */
function text(value) {
  if (typeof value === "string") return value.trim();
  const isNumber = typeof value === "bigint" || Number.isFinite(value);
  return isNumber ? String(value) : "";
}

/** @param {unknown} value @returns {Facts[]} */
function objects(value) {
  return Array.isArray(value) ? value.map(object) : [];
}

/**
 * The settings that made a picture may be wrapped: `{id, meta: {…}}`.
 * @param {unknown} value
 */
function unwrapped(value) {
  const outer = object(value);
  return typeof outer.meta === "object" && outer.meta !== null ? object(outer.meta) : outer;
}

/**
 * An address that may be opened: only CivitAI's own pages are linked.
 * @param {unknown} value
 */
export function civitaiPage(value) {
  try {
    const address = new URL(text(value));
    const known = /(^|\.)civitai\.(com|red|green)$/.test(address.hostname);
    return known && address.protocol === "https:" ? address.href : null;
  } catch {
    return null;
  }
}

/**
 * @param {Facts} meta the full metadata of a picture; empty while it has not come
 * @param {import("../data/api.js").Item} item the same picture in the list
 * @returns {PictureFacts}
 */
export function readFacts(meta, item) {
  const data = object(meta.generation_data);
  const known = { ...item.meta, ...meta };
  const told = { ...unwrapped(meta.raw_meta), ...unwrapped(data.meta) };
  // What the server has brought into one form counts before what it was made from.
  const made = { ...told, ...said(item.meta), ...said(meta) };
  return {
    prompt: text(made.prompt),
    negative: text(made.negative ?? made.negativePrompt ?? made["Negative prompt"]),
    settings: settings(known, made, item),
    resources: resources(meta, data, made),
    author: text(known.username),
    date: day(meta.createdAt ?? item.createdAt),
    page: civitaiPage(known.civitai_page),
    name: text(item.name),
    raw: Object.keys(meta).length ? writeJson(meta, 2) : "",
  };
}

/**
 * @param {Facts} known
 * @param {Facts} made
 * @param {import("../data/api.js").Item} item
 * @returns {[string, string][]}
 */
function settings(known, made, item) {
  /** @type {[string, string][]} */
  const found = SETTINGS.map(([label, names]) => [
    label,
    names.map((name) => text(made[name])).find(Boolean) ?? "",
  ]);
  const width = text(known.width);
  const height = text(known.height);
  const size = width && height ? `${width} × ${height}` : "";
  const drawn = text(made.size).replace(/\s*[x×]\s*/i, " × ");
  found.push(["Size", size], ["Drawn at", drawn === size ? "" : drawn], ["Base", text(known.baseModel)]);
  found.push(["Level", levelName(item.nsfw_level)], ["File", fileWords(item)]);
  return found.filter(([, value]) => value);
}

/** @param {import("../data/api.js").Item} item */
const fileWords = ({ ext, file_size: size }) =>
  size ? `${ext.replace(".", "").toUpperCase()}, ${sizeText(size)}` : "";

/**
 * Only what says something.
 * @param {Facts} facts
 * @returns {Facts}
 */
const said = (facts) =>
  Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== null && value !== "" && value !== undefined),
  );

/** @type {Record<string, string>} */
const TYPES = {
  lora: "LoRA",
  locon: "LoRA",
  checkpoint: "Checkpoint",
  vae: "VAE",
  embedding: "Embedding",
  textualinversion: "Embedding",
  upscaler: "Upscaler",
  controlnet: "ControlNet",
};

/**
 * What the server has matched with the catalog first; then what CivitAI has recognised; then what
 * the picture itself names.
 * @param {Facts} meta
 * @param {Facts} data
 * @param {Facts} made
 * @returns {Resource[]}
 */
function resources(meta, data, made) {
  const { model: name, model_hash: hash, model_version_id: version_id } = made;
  const model = { name, hash, version_id, type: "checkpoint" };
  const named = [model, ...objects(made.loras), ...objects(made.others)];
  const lists = [objects(meta.made_with), objects(data.resources), objects(made.resources), named];
  return (lists.find((list) => list.length) ?? []).map(resource).filter((each) => each.name);
}

/**
 * @param {Facts} each
 * @returns {Resource}
 */
function resource(each) {
  const type = text(each.modelType ?? each.type ?? "lora");
  const modelId = number(each.civitai_model_id ?? each.modelId ?? each.model_id);
  const versionId = number(
    each.civitai_version_id ?? each.modelVersionId ?? each.versionId ?? each.version_id,
  );
  return {
    name: text(each.modelName ?? each.name) || text(each.catalog_name),
    type: TYPES[type.toLowerCase()] ?? type,
    strength: text(each.strength ?? each.weight),
    hash: text(each.hash),
    modelId,
    versionId,
    status: STATUSES.find((status) => status === each.status) ?? "",
    file: text(each.file),
    dest: text(each.dest),
    address: modelPage(modelId, versionId),
  };
}

/** @type {("present" | "missing" | "unknown")[]} */
const STATUSES = ["present", "missing", "unknown"];

/** @param {unknown} value */
const number = (value) => (/^[1-9]\d*$/.test(text(value)) ? Number(text(value)) : null);

/**
 * @param {number | null} modelId
 * @param {number | null} versionId
 */
function modelPage(modelId, versionId) {
  if (modelId === null) return null;
  return `https://civitai.com/models/${modelId}${versionId === null ? "" : `?modelVersionId=${versionId}`}`;
}

/**
 * A day as this browser's language writes it; empty when it is none.
 * @param {unknown} value
 */
export function day(value) {
  const time = new Date(text(value));
  if (!text(value) || Number.isNaN(time.getTime())) return "";
  return time.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
