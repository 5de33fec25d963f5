/** What a person may paste to add something. */

/**
 * @typedef {{kind: "image", id: string}
 *   | {kind: "version", id: string}
 *   | {kind: "model", id: string}
 *   | {kind: "unknown", reason: string}} Wanted
 */

const HOSTS = /^(www\.)?civitai\.(com|red|green)$/;
const AIR = /^urn:air:[^:\s]+:[^:\s]+:civitai:\d+@(\d+)/i;
const NOT_OURS = "Paste the address of a picture or a model on CivitAI.";

/**
 * What a text asks to be added; null when it does not even look like something to add.
 * @param {string} text
 * @returns {Wanted | null}
 */
export function readAddress(text) {
  const said = text.trim();
  const air = AIR.exec(said);
  if (air) return { kind: "version", id: /** @type {string} */ (air[1]) };
  if (/^urn:air:/i.test(said)) return { kind: "unknown", reason: "This AIR names no version on CivitAI." };
  if (/\s/.test(said) || !/^(https?:\/\/|(www\.)?civitai\.)/i.test(said)) return null;
  let address;
  try {
    address = new URL(/^https?:/i.test(said) ? said : `https://${said}`);
  } catch {
    return null;
  }
  if (!HOSTS.test(address.hostname)) return { kind: "unknown", reason: NOT_OURS };
  const image = /^\/images\/(\d+)(\/|$)/.exec(address.pathname);
  if (image) return { kind: "image", id: /** @type {string} */ (image[1]) };
  const version =
    /^(\d+)$/.exec(address.searchParams.get("modelVersionId") ?? "") ??
    /^\/(?:api\/download\/models|model-versions|api\/v1\/model-versions)\/(\d+)(\/|$)/.exec(
      address.pathname,
    );
  if (version) return { kind: "version", id: /** @type {string} */ (version[1]) };
  const model = /^\/models\/(\d+)(\/|$)/.exec(address.pathname);
  if (model) return { kind: "model", id: /** @type {string} */ (model[1]) };
  return { kind: "unknown", reason: NOT_OURS };
}
