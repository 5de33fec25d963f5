/** What a person may paste to add something. */

/**
 * @typedef {{kind: "image", id: string}
 *   | {kind: "model", address: string}
 *   | {kind: "unknown", reason: string}} Wanted `model`: the server says what it will be
 */

const CIVITAI = /^(www\.)?civitai\.(com|red|green)$/;
const HUB = /^(www\.)?(huggingface\.co|hf\.co)$/;
const BEGINNING = /^(https?:\/\/|(www\.)?civitai\.|(www\.)?huggingface\.co\/)/i;
const AIR = /^(urn:air:|air:)\S*(civitai:\d+|huggingface:)/i;
const REPOSITORY = /^[\w][\w.-]*\/[\w][\w.-]*$/;
const FILE = /\.(safetensors|sft|gguf|ckpt|pt|pth|bin|onnx)$/i;

/**
 * What a text asks to be added; null when it does not even look like something to add.
 * @param {string} text
 * @returns {Wanted | null}
 */
export function readAddress(text) {
  const said = text.trim();
  if (AIR.test(said)) return { kind: "model", address: said };
  if (/^urn:air:/i.test(said)) return { kind: "unknown", reason: "This AIR names no model of a known site." };
  if (/\s/.test(said) || !BEGINNING.test(said)) return null;
  const whole = /^https?:/i.test(said) ? said : `https://${said}`;
  if (!URL.canParse(whole)) return null;
  const address = new URL(whole);
  if (address.username) return null;
  if (CIVITAI.test(address.hostname)) {
    const image = /^\/images\/([^/]*)/.exec(address.pathname);
    if (image?.[1] && /^\d+$/.test(image[1])) return { kind: "image", id: image[1] };
    if (image || address.pathname.startsWith("/user/")) {
      return { kind: "unknown", reason: "This page of CivitAI is neither a picture's nor a model's." };
    }
  }
  return { kind: "model", address: address.href };
}

/**
 * Whether a text that is pasted somewhere on the panel is surely meant to be added.
 * @param {string} text
 */
export function isSurelyMeant(text) {
  const wanted = readAddress(text);
  if (wanted?.kind !== "model" || !/^https?:/i.test(wanted.address)) return wanted !== null;
  const { hostname, pathname } = new URL(wanted.address);
  return CIVITAI.test(hostname) || HUB.test(hostname) || FILE.test(pathname);
}

/**
 * As `readAddress`, for what is typed into the field itself: there a bare `owner/name` counts too.
 * @param {string} text
 * @returns {Wanted | null}
 */
export function readTyped(text) {
  const said = text.trim();
  return readAddress(said) ?? (REPOSITORY.test(said) ? { kind: "model", address: said } : null);
}
