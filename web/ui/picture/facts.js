/** What is known of a picture, brought from the many ways it is written into one. */

/** @typedef {Record<string, unknown>} Facts */
/** @typedef {{name: string, type: string, strength: string, address: string | null}} Resource */

/**
 * @typedef {object} PictureFacts every text as it came: hostile until shown as text
 * @property {string} prompt
 * @property {string} negative
 * @property {[string, string][]} settings label and value
 * @property {Resource[]} resources
 * @property {string} author
 * @property {string} date as a person reads it
 * @property {string | null} page its page on CivitAI
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
  return typeof value === "number" && Number.isFinite(value) ? String(value) : "";
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
 * @param {Facts} meta the full metadata of a picture
 * @param {import("../data/api.js").Item} item the same picture in the list
 * @returns {PictureFacts}
 */
export function readFacts(meta, item) {
  const data = object(meta.generation_data);
  /** @type {Facts} */
  const known = { ...item.meta, ...meta };
  /** @type {Facts} */
  const made = { ...known, ...unwrapped(meta.raw_meta), ...unwrapped(data.meta) };
  const width = text(known.width);
  const height = text(known.height);
  /** @type {[string, string][]} */
  const settings = [];
  for (const [label, names] of SETTINGS) {
    const found = names.map((name) => text(made[name])).find(Boolean);
    if (found) settings.push([label, found]);
  }
  if (width && height) settings.push(["Size", `${width} × ${height}`]);
  const base = text(known.baseModel);
  if (base) settings.push(["Base", base]);
  return {
    prompt: text(made.prompt),
    negative: text(made.negativePrompt ?? made["Negative prompt"] ?? known.negative),
    settings,
    resources: resources(data, made),
    author: text(known.username),
    date: day(meta.createdAt ?? item.createdAt),
    page: civitaiPage(known.civitai_page),
  };
}

/**
 * What CivitAI has recognised first; what the picture itself names where that is nothing.
 * @param {Facts} data
 * @param {Facts} made
 * @returns {Resource[]}
 */
function resources(data, made) {
  const recognised = objects(data.resources);
  const named = recognised.length ? recognised : objects(made.resources);
  const rest = [{ name: made.model, type: "checkpoint" }, ...objects(made.loras)];
  return (named.length ? named : rest)
    .map((each) => ({
      name: text(each.modelName ?? each.name),
      type: text(each.modelType ?? each.type ?? "LoRA").replace(/^lora$/i, "LoRA"),
      strength: text(each.strength ?? each.weight),
      address: modelPage(each),
    }))
    .filter((each) => each.name);
}

/** @param {Facts} resource */
function modelPage(resource) {
  const model = text(resource.modelId ?? resource.model_id);
  const version = text(resource.modelVersionId ?? resource.versionId ?? resource.version_id);
  if (!/^\d+$/.test(model)) return null;
  const wanted = /^\d+$/.test(version) ? `?modelVersionId=${version}` : "";
  return `https://civitai.com/models/${model}${wanted}`;
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
