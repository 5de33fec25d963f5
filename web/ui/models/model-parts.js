/** The parts of an opened model that a person writes. */

import { ApiError } from "../data/call.js";
import { h } from "../parts/dom.js";
import { labelled, select } from "../parts/fields.js";
import { icon } from "../parts/icons.js";
import { typeName } from "./names.js";
import { grouped, readWords, wordsText } from "./trigger-words.js";

/**
 * @typedef {import("./editable.js").Part} Part
 * @typedef {import("../data/library-calls.js").FullModel} FullModel
 * @typedef {import("../data/library-calls.js").Preset} Preset
 */

const hint = (/** @type {string} */ text) => h("p", { class: "hint model-none" }, text);

/**
 * @param {(text: string) => void} copy
 * @returns {Part}
 */
export const wordsPart = (copy) => ({
  title: "Trigger words",
  draw: ({ trigger_words: words }) => {
    if (!words.length) return [hint("None yet.")];
    return [...grouped(words)].map(([group, texts]) =>
      h(
        "div",
        { class: "model-chips-row" },
        group && h("span", { class: "model-group" }, group),
        ...texts.map((text) =>
          h("button", { class: "chip is-word", type: "button", title: `Copy ${text}`, onclick: () => copy(text) }, h("span", {}, text)),
        ),
      ),
    );
  },
  acts: ({ trigger_words: words }) => [
    words.length > 0 &&
      h(
        "button",
        { class: "link", type: "button", "aria-label": "Copy all trigger words", onclick: () => copy(words.map(({ text }) => text).join(", ")) },
        icon("copy"),
        "copy",
      ),
  ],
  form: ({ trigger_words: words }) => {
    const field = area("Trigger words", wordsText(words), 6);
    const about = h("p", { class: "hint" }, "One a line. A line that begins with # names a group.");
    return { fields: [field, about], read: () => ({ trigger_words: readWords(field.value) }) };
  },
  theirs: ({ trigger_words: words }) => words.map(({ text }) => text).join(", "),
});

/** @returns {Part} */
export const notesPart = () => ({
  title: "Notes",
  draw: ({ notes }) => [notes ? h("p", { class: "words", tabindex: "0" }, notes) : hint("None yet.")],
  form: ({ notes }) => {
    const field = area("Notes", notes, 5);
    return { fields: [field], read: () => ({ notes: field.value.trim() }) };
  },
  theirs: ({ notes }) => notes,
});

/** @returns {Part} */
export const textsPart = () => ({
  title: "Description",
  draw: ({ meta_json: { description, community_links: links, prompts } }) => {
    const found = [
      description && h("p", { class: "words dim", tabindex: "0" }, description),
      prompts.positive && h("p", { class: "words", tabindex: "0", title: "Prompt" }, prompts.positive),
      prompts.negative && h("p", { class: "words dim", tabindex: "0", title: "Negative prompt" }, prompts.negative),
      links && h("p", { class: "model-links" }, ...links.split(/\s+/).map(link)),
    ].filter((each) => each !== "" && each);
    return found.length ? found : [hint("None yet.")];
  },
  form: ({ meta_json: meta }) => {
    const description = area("Description", meta.description, 4);
    const positive = area("Prompt", meta.prompts.positive, 3);
    const negative = area("Negative prompt", meta.prompts.negative, 2);
    const links = area("Links", meta.community_links, 2);
    const fields = [
      labelled("Description", description),
      labelled("Prompt", positive),
      labelled("Negative prompt", negative),
      labelled("Links", links),
    ];
    const read = () => ({
      meta_json: {
        description: description.value.trim(),
        community_links: links.value.trim(),
        images_count: meta.images_count,
        prompts: { ...meta.prompts, positive: positive.value.trim(), negative: negative.value.trim() },
      },
    });
    return { fields, read };
  },
  theirs: ({ meta_json: { description, prompts } }) => [description, prompts.positive].filter(Boolean).join(" · "),
});

/**
 * @param {() => number} now the strength that is chosen
 * @param {(strength: number) => void} choose
 * @returns {Part}
 */
export const strengthPart = (now, choose) => ({
  title: "Strength",
  hidden: (model) => !isLora(model),
  draw: ({ presets }) => {
    const first = presets[0];
    const low = Math.min(0, ...presets.map(({ min }) => min ?? 0));
    const high = Math.max(2, ...presets.map(({ max }) => max ?? 2));
    const value = h("output", { class: "strength-value" }, now().toFixed(2));
    const slider = h("input", {
      class: "strength",
      type: "range",
      min: low,
      max: high,
      step: "0.05",
      value: now(),
      "aria-label": "Strength",
      oninput: () => {
        choose(Number(slider.value));
        value.textContent = now().toFixed(2);
      },
    });
    const part = (/** @type {number | null | undefined} */ at) => `${(100 * ((at ?? low) - low)) / (high - low)}%`;
    slider.style.setProperty("--from", part(first?.min));
    slider.style.setProperty("--to", first?.max === null || !first ? part(first?.min) : part(first.max));
    const set = (/** @type {number} */ strength) => {
      choose(strength);
      slider.value = String(strength);
      value.textContent = now().toFixed(2);
    };
    const chips = presets.map((preset) => presetChip(preset, set));
    return [
      h("div", { class: "strength-row" }, slider, value),
      presets.length ? h("div", { class: "model-chips-row" }, ...chips) : null,
    ];
  },
  form: ({ presets }) => {
    const rows = [...presets, { name: "", min: null, recommended: null, max: null }].map(presetRow);
    return {
      fields: [
        h("div", { class: "preset-row is-head", "aria-hidden": "true" }, ...["Name", "Least", "Best", "Most"].map((text) => h("span", {}, text))),
        ...rows.map(({ element }) => element),
      ],
      read: () => ({ presets: rows.map(({ read }) => read()).filter(isSaid) }),
    };
  },
  theirs: ({ presets }) => presets.map(({ name, recommended }) => `${name} ${recommended ?? ""}`.trim()).join(", "),
});

/** @param {FullModel} model */
export const isLora = ({ type, places }) =>
  type === "loras" || places.some(({ types }) => types.includes("loras"));

/**
 * @param {() => string[]} known types
 * @returns {Part}
 */
export const kindPart = (known) => ({
  title: "Kind",
  draw: (model) => {
    const { facts } = model;
    const said = facts.told_type && facts.told_type !== model.type ? typeName(facts.told_type) : "";
    return [
      pair("Name", model.name),
      pair("Type", typeName(model.type) || "Not known"),
      pair("Base", model.base_model || "Not known"),
      said ? hint(`Its header says: ${said}.`) : null,
      facts.reason ? hint(`Told by its header: ${facts.reason}.`) : null,
    ];
  },
  form: (model) => {
    const name = h("input", { class: "field", value: model.name, maxlength: "1000", autocomplete: "off" });
    const types = [...new Set([model.type, ...known()])].filter(Boolean);
    const type = select(model.type, types.map((each) => [each, typeName(each)]));
    const base = h("input", { class: "field", value: model.base_model, maxlength: "200", autocomplete: "off" });
    const fields = [
      labelled("Name", name),
      labelled("Type", type, h("p", { class: "hint" }, "A label: the file stays where it lies.")),
      labelled("Base model", base),
    ];
    const read = () => {
      if (!name.value.trim()) throw new ApiError(0, "It needs a name.");
      const changes = { name: name.value.trim(), type: type.value, base_model: base.value.trim() };
      return Object.fromEntries(
        Object.entries(changes).filter(([field, value]) => value !== model[/** @type {"name"} */ (field)]),
      );
    };
    return { fields, read };
  },
  theirs: ({ name, type, base_model }) => [name, typeName(type), base_model].filter(Boolean).join(" · "),
});

/**
 * @param {string} label
 * @param {import("../parts/dom.js").Child} value
 */
export const pair = (label, value) =>
  h("div", { class: "model-fact" }, h("span", {}, label), h("span", { class: "model-fact-value" }, value));

/**
 * @param {string} label
 * @param {string} text
 * @param {number} rows
 */
function area(label, text, rows) {
  const field = h("textarea", { class: "field model-area", rows, "aria-label": label, spellcheck: "false" });
  field.value = text;
  return field;
}

/** @param {string} text */
function link(text) {
  if (!/^https?:\/\//.test(text)) return `${text} `;
  return h("a", { class: "link", href: text, target: "_blank", rel: "noopener noreferrer" }, text.replace(/^https?:\/\/(www\.)?/, ""));
}

/**
 * @param {Preset} preset
 * @param {(strength: number) => void} set
 */
function presetChip({ name, min, recommended, max }, set) {
  const range = [min, max].every((each) => each !== null) ? `${min} – ${max}` : "";
  const best = recommended ?? (min !== null && max !== null ? (min + max) / 2 : (max ?? min));
  const text = [name, recommended === null ? range : recommended].filter((each) => each !== "").join(" ");
  return h(
    "button",
    { class: "chip", type: "button", title: range ? `Recommended: ${range}` : "Set this strength", onclick: () => best !== null && set(best) },
    h("span", {}, text),
  );
}

/** @param {Preset} preset */
function presetRow({ name, min, recommended, max }) {
  const field = (/** @type {string} */ label, /** @type {string | number | null} */ value, numeric = true) =>
    h("input", {
      class: "field",
      "aria-label": label,
      value: value ?? "",
      type: numeric ? "number" : "text",
      step: "0.05",
      placeholder: label,
    });
  const fields = { name: field("Name", name, false), min: field("Least", min), best: field("Best", recommended), max: field("Most", max) };
  const number = (/** @type {HTMLInputElement} */ { value }) => (value === "" ? null : Number(value));
  return {
    element: h("div", { class: "preset-row" }, ...Object.values(fields)),
    read: () => ({
      name: fields.name.value.trim(),
      min: number(fields.min),
      recommended: number(fields.best),
      max: number(fields.max),
    }),
  };
}

/** @param {Preset} preset */
const isSaid = ({ name, min, recommended, max }) => Boolean(name) || [min, recommended, max].some((each) => each !== null);
