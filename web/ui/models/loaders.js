/** Which node of a workflow loads a model, and with what. */

/** @typedef {import("../data/library-calls.js").Model} Model */

/**
 * @typedef {object} Loading
 * @property {string[]} nodes types of node that can, the one to make first
 * @property {string} widget that holds the file
 * @property {string} file as the folder lists it
 * @property {Record<string, number>} [numbers] further widgets
 */

/** @type {Record<string, [nodes: string[], widget: string]>} */
const LOADERS = {
  checkpoints: [["CheckpointLoaderSimple", "CheckpointLoader"], "ckpt_name"],
  loras: [["LoraLoader", "LoraLoaderModelOnly"], "lora_name"],
  vae: [["VAELoader"], "vae_name"],
  controlnet: [["ControlNetLoader"], "control_net_name"],
  clip_vision: [["CLIPVisionLoader"], "clip_name"],
  text_encoders: [["CLIPLoader"], "clip_name"],
  clip: [["CLIPLoader"], "clip_name"],
  diffusion_models: [["UNETLoader"], "unet_name"],
  unet: [["UNETLoader"], "unet_name"],
  unet_gguf: [["UnetLoaderGGUF"], "unet_name"],
  clip_gguf: [["CLIPLoaderGGUF"], "clip_name"],
  upscale_models: [["UpscaleModelLoader"], "model_name"],
  style_models: [["StyleModelLoader"], "style_model_name"],
  gligen: [["GLIGENLoader"], "gligen_name"],
  hypernetworks: [["HypernetworkLoader"], "hypernetwork_name"],
};

/** @type {Record<string, string>} */
const AS_GGUF = { diffusion_models: "unet_gguf", unet: "unet_gguf", text_encoders: "clip_gguf", clip: "clip_gguf" };

/**
 * How a workflow loads it; null when no node does, or the file is gone.
 * @param {Model} model
 * @param {number} [strength] of a LoRA
 * @returns {Loading | null}
 */
export function loadingOf(model, strength) {
  if (model.status === "missing") return null;
  // Where a file lies says what loads it; its type may be a label that a person has put on it.
  const places = model.places?.length ? model.places : [model];
  for (const { file, types } of places) {
    for (const type of types) {
      const kind = /\.gguf$/i.test(file) ? (AS_GGUF[type] ?? type) : type;
      const [nodes, widget] = LOADERS[kind] ?? [];
      if (!nodes || !widget) continue;
      const numbers =
        type === "loras" && strength !== undefined
          ? { strength_model: strength, strength_clip: strength }
          : undefined;
      return { nodes, widget, file, numbers };
    }
  }
  return null;
}
