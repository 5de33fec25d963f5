/** How models are named on their cards: shorter than on disk, longer than in folders. */

/** @typedef {import("../data/library-calls.js").Model} Model */

/** @type {Record<string, [one: string, many: string]>} */
const TYPES = {
  checkpoints: ["Checkpoint", "Checkpoints"],
  loras: ["LoRA", "LoRAs"],
  vae: ["VAE", "VAEs"],
  vae_approx: ["Preview VAE", "Preview VAEs"],
  controlnet: ["ControlNet", "ControlNets"],
  clip_vision: ["CLIP Vision", "CLIP Vision"],
  text_encoders: ["Text encoder", "Text encoders"],
  clip: ["Text encoder", "Text encoders"],
  diffusion_models: ["Diffusion model", "Diffusion models"],
  unet: ["Diffusion model", "Diffusion models"],
  embeddings: ["Embedding", "Embeddings"],
  hypernetworks: ["Hypernetwork", "Hypernetworks"],
  style_models: ["Style model", "Style models"],
  upscale_models: ["Upscaler", "Upscalers"],
  latent_upscale_models: ["Latent upscaler", "Latent upscalers"],
  gligen: ["GLIGEN", "GLIGEN"],
  others: ["Other", "Others"],
};

/** @type {readonly (readonly [RegExp, string])[]} */
const SHORT = [
  [/^sd ?xl|^xl\b/i, "XL"],
  [/^pony/i, "PONY"],
  [/^illustrious/i, "IL"],
  [/^noob/i, "NOOB"],
  [/^flux\.?1? ?d/i, "F1·D"],
  [/^flux\.?1? ?s/i, "F1·S"],
  [/^flux\.?1? ?k/i, "F1·K"],
  [/^flux\.?2/i, "F2"],
  [/^sd ?1|^stable diffusion 1/i, "SD1.5"],
  [/^sd ?2|^stable diffusion 2/i, "SD2"],
  [/^sd ?3|^stable diffusion 3/i, "SD3"],
  [/^wan/i, "WAN"],
  [/^hunyuan/i, "HY"],
  [/^qwen/i, "QWEN"],
  [/^z-?image/i, "ZIMG"],
  [/^ltx/i, "LTX"],
];

const ENDING = /\.(safetensors|sft|ckpt|pt|pt2|pth|bin|pkl|gguf|onnx)$/i;
const LONGEST = 8;

/**
 * What one of a type is called; a type that nobody knows keeps its own name.
 * @param {string} type
 */
export const typeName = (type) => TYPES[type]?.[0] ?? type;

/**
 * What all of a type are called.
 * @param {string} type
 */
export const typeNames = (type) => TYPES[type]?.[1] ?? type;

/**
 * A base model in a few letters.
 * @param {string} name
 */
export function shortBase(name) {
  const known = SHORT.find(([pattern]) => pattern.test(name));
  return known ? known[1] : (name.split(" ")[0] ?? "").slice(0, LONGEST);
}

/**
 * Its name; a file's without the ending.
 * @param {{name: string, file: string}} model
 */
export const titleOf = ({ name, file }) =>
  (name || file.slice(file.lastIndexOf("/") + 1)).replace(ENDING, "");

/**
 * A hue for a text, always the same.
 * @param {string} text
 */
export function hueOf(text) {
  let sum = 7;
  for (const each of text) sum = (sum * 31 + (each.codePointAt(0) ?? 0)) % 100_003;
  return sum % 360;
}

/**
 * Parameters, as people count them.
 * @param {number} count
 */
export function parameterText(count) {
  if (count >= 9.95e8) return `${(count / 1e9).toFixed(count < 9.95e9 ? 1 : 0)} B`;
  if (count >= 9.95e5) return `${Math.round(count / 1e6)} M`;
  return count.toLocaleString("en");
}
