/** What is known of the opened picture, as text. */

import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { MadeWith } from "./made-with.js";

/** @typedef {import("./facts.js").PictureFacts} PictureFacts */

/**
 * @typedef {{copy: (text: string) => void, collections: HTMLElement} & import("./made-with.js").Around
 *   & import("./tag-names.js").TagActs} Around
 */

/**
 * @param {PictureFacts} facts
 * @param {import("../data/api.js").Item} item
 * @param {Around} around
 * @returns {{elements: HTMLElement[], madeWith: MadeWith | null}} `madeWith` follows the catalog
 */
export function factsPanel(facts, item, around) {
  const { copy, collections } = around;
  const sections = [];
  if (facts.prompt) sections.push(words("Prompt", facts.prompt, copy));
  if (facts.negative) sections.push(words("Negative", facts.negative, copy, "dim"));
  if (facts.settings.length) sections.push(settings(facts.settings, copy));
  let madeWith = null;
  if (facts.resources.length) {
    madeWith = new MadeWith(facts.resources, item.number ?? null, around);
    sections.push(section("Made with", null, madeWith.element));
  }
  if (!facts.prompt && !facts.resources.length) {
    sections.push(h("p", { class: "hint" }, "Its author has not said how it was made."));
  }
  if (item.tag_ids?.length) sections.push(tags(item.tag_ids, around));
  sections.push(collections);
  if (facts.raw) sections.push(everything(facts.raw, copy));
  sections.push(foot(facts, item, around));
  return { elements: sections, madeWith };
}

const OUT = { target: "_blank", rel: "noopener noreferrer" };

/**
 * @param {PictureFacts["settings"]} found
 * @param {(text: string) => void} copy
 */
function settings(found, copy) {
  const pairs = found.map(([label, value]) =>
    h("div", { class: "fact" }, h("dt", {}, label), h("dd", {}, value)),
  );
  const all = found.map(([label, value]) => `${label}: ${value}`).join(", ");
  return section("Settings", () => copy(all), h("dl", { class: "facts" }, ...pairs));
}

/**
 * Those whose names are known; nothing where none is.
 * @param {number[]} ids
 * @param {import("./tag-names.js").TagActs} around
 */
function tags(ids, { tagNames, showTag }) {
  const list = h("div", { class: "tags" });
  const whole = section("Tags", null, list);
  whole.hidden = true;
  tagNames.read().then((names) => {
    const known = ids.map((id) => names.get(id)).filter((name) => name !== undefined);
    const chips = known.sort().map((name) => tagChip(name, showTag));
    fill(list, ...chips);
    whole.hidden = !chips.length;
  });
  return whole;
}

/**
 * @param {string} name
 * @param {(name: string) => void} show
 */
const tagChip = (name, show) =>
  h(
    "button",
    { class: "chip", type: "button", title: `Pictures with the tag ${name}`, onclick: () => show(name) },
    h("span", {}, name),
  );

/**
 * As it came; long, and drawn only when it is asked for.
 * @param {string} raw
 * @param {(text: string) => void} copy
 */
function everything(raw, copy) {
  const place = h("div");
  const details = h("details", { class: "picture-raw" }, h("summary", {}, "All metadata"), place);
  details.addEventListener("toggle", () => {
    if (!details.open || place.childElementCount) return;
    place.append(
      h("button", { class: "link", type: "button", onclick: () => copy(raw) }, "copy"),
      h("pre", { class: "words", tabindex: "0" }, raw),
    );
  });
  return details;
}

/**
 * @param {PictureFacts} facts
 * @param {import("../data/api.js").Item} item
 * @param {{showModel: (modelId: number) => void}} around
 */
function foot(facts, { model_id: model, model_name: name }, { showModel }) {
  const title = `All pictures of ${name}`;
  const show = () => showModel(model ?? 0);
  const all = model && name && h("button", { class: "link", type: "button", title, onclick: show }, name);
  return h(
    "footer",
    { class: "picture-foot" },
    facts.author && h("span", {}, "by ", h("b", {}, facts.author)),
    facts.name && h("span", {}, facts.name),
    facts.date && h("span", {}, facts.date),
    all,
    facts.page && h("a", { class: "link", href: facts.page, ...OUT }, "CivitAI", icon("out")),
  );
}

/**
 * @param {string} title
 * @param {string} text
 * @param {(text: string) => void} copy
 * @param {string} [kind]
 */
function words(title, text, copy, kind = "") {
  return section(title, () => copy(text), h("p", { class: `words ${kind}`, tabindex: "0" }, text));
}

/**
 * @param {string} title
 * @param {(() => void) | null} copy
 * @param {HTMLElement} body
 */
function section(title, copy, body) {
  const button =
    copy &&
    h(
      "button",
      { class: "link", type: "button", "aria-label": `Copy ${title.toLowerCase()}`, onclick: copy },
      "copy",
    );
  return h(
    "section",
    { class: "picture-section" },
    h("header", {}, h("h3", {}, title), button),
    body,
  );
}
