/** What a file is, how it is cut, and how it is told again: plain facts without a page. */

/**
 * @typedef {import("../data/upload-calls.js").Upload} Upload
 * @typedef {import("../data/upload-calls.js").Asked} Asked
 * @typedef {import("../data/upload-calls.js").Place} Place
 */

const PART = 8 * 2 ** 20;
const MOST_PARTS = 10_000;

/** @type {[string, RegExp][]} */
const ENDINGS = [
  ["model", /\.(safetensors|sft|gguf|ckpt|pt|pth|bin|pkl)$/i],
  ["image", /\.(png|jpe?g|jpe|jfif|webp|gif|avif|bmp|tiff?)$/i],
  ["video", /\.(mp4|m4v|webm|mov|mkv|avi)$/i],
  ["audio", /\.(wav|mp3|flac|ogg|oga|opus|m4a|m4b|aac|aiff?|aifc)$/i],
  ["3d", /\.(glb|gltf)$/i],
  ["text", /\.(txt|md|json|ya?ml|csv)$/i],
];

/** The folders of models that everybody has, until the server has said which there are. */
export const MODEL_TYPES = [
  "checkpoints",
  "loras",
  "vae",
  "controlnet",
  "text_encoders",
  "diffusion_models",
  "upscale_models",
  "embeddings",
  "clip_vision",
];

/**
 * The kind of upload that a name's ending speaks of.
 * @param {string} name
 */
export const kindOf = (name) => ENDINGS.find(([, ending]) => ending.test(name))?.[0] ?? "asset";

/**
 * What may be chosen for a file, as value and text; a value is a kind and, after a colon, where it
 * goes.
 * @param {string[]} types of models
 * @returns {[string, string][]}
 */
export const choices = (types) => [
  ["model", "Model, sorted by itself"],
  ...types.map((type) => /** @type {[string, string]} */ ([`model:${type}`, `Model in ${type}`])),
  ["image:gallery", "Picture in the gallery"],
  ["image:input", "Picture as input"],
  ["video:gallery", "Video in the gallery"],
  ["video:input", "Video as input"],
  ["audio", "Sound"],
  ["3d", "3D model"],
  ["text", "Text"],
  ["asset", "Another file"],
];

/**
 * The choice that stands there first.
 * @param {string} kind
 */
export const firstChoice = (kind) => (kind === "image" || kind === "video" ? `${kind}:gallery` : kind);

/**
 * A choice as the server is asked for it.
 * @param {string} choice
 * @returns {Asked}
 */
export function wish(choice) {
  const [kind = "", where] = choice.split(":");
  if (!where) return { kind };
  return { kind, config: kind === "model" ? { type: where } : { target: where } };
}

/**
 * How many parts a file is sent in.
 * @param {number} size
 */
export const partsOf = (size) => Math.min(MOST_PARTS, Math.max(1, Math.ceil(size / PART)));

/**
 * Where a part begins and ends.
 * @param {number} number from 1
 * @param {number} count
 * @param {number} size of the file
 * @returns {[number, number]}
 */
export function rangeOf(number, count, size) {
  const stride = Math.ceil(size / count);
  return [Math.min(size, (number - 1) * stride), Math.min(size, number * stride)];
}

/**
 * Why a file is surely not the one that an upload was begun with; empty when it may be.
 * @param {Upload} upload
 * @param {{name: string, size: number, lastModified: number}} file
 * @param {number} [modified] of the file it was begun with, if that is known
 */
export function difference(upload, file, modified) {
  const name = upload.originalFileName ?? upload.fileName;
  if (file.name !== name) return `That is ${file.name}. Choose ${name}.`;
  if (file.size !== upload.fileSize) return `This ${name} has another size. Choose the one it was begun with.`;
  if (modified !== undefined && file.lastModified !== modified) {
    return `${name} has been changed since. Cancel this upload and begin anew.`;
  }
  return "";
}

/**
 * Where a finished one lies.
 * @param {Place | undefined} place
 */
export function placeText(place) {
  if (place?.kind === "gallery") return "In the gallery";
  if (place?.kind === "input") return `In input/${place.file}`;
  if (place?.kind === "asset") return `In assets/${place.folder}/${place.file}`;
  if (place?.kind === "model") return `In models/${place.folder}/${place.file}`;
  return "Done";
}

/**
 * Whether trying again later may help by itself.
 * @param {number} status of an answer; 0: there was none
 */
export const passes = (status) => [0, 408, 425, 429, 500, 502, 503, 504].includes(status);

/**
 * The name of the file at an address.
 * @param {string} address
 */
export function nameAt(address) {
  const { hostname, pathname } = new URL(address);
  const last = pathname.split("/").pop() ?? "";
  try {
    return decodeURIComponent(last) || hostname;
  } catch {
    return last;
  }
}

const FOREIGN = /(^|\.)(civitai\.(com|red|green)|huggingface\.co|hf\.co)$/;

/**
 * Whether an address is one of no site that is known for its models.
 * @param {string} address
 */
export const isPlain = (address) =>
  URL.canParse(address) && /^https?:/i.test(address) && !FOREIGN.test(new URL(address).hostname);

/**
 * Whether an address leads to a file that no catalog of models would keep.
 * @param {string} address
 */
export const isOtherFile = (address) =>
  isPlain(address) && !["model", "asset"].includes(kindOf(nameAt(address)));
