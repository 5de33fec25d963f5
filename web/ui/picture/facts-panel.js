/** What is known of the opened picture, as text. */

import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";

/** @typedef {import("./facts.js").PictureFacts} PictureFacts */

/**
 * @param {PictureFacts} facts
 * @param {(text: string) => void} copy
 * @returns {HTMLElement[]}
 */
export function factsPanel(facts, copy) {
  const sections = [];
  if (facts.prompt) sections.push(words("Prompt", facts.prompt, copy));
  if (facts.negative) sections.push(words("Negative", facts.negative, copy, "dim"));
  if (facts.settings.length) {
    const pairs = facts.settings.map(([label, value]) =>
      h("div", { class: "fact" }, h("dt", {}, label), h("dd", {}, value)),
    );
    const all = facts.settings.map(([label, value]) => `${label}: ${value}`).join(", ");
    sections.push(section("Settings", () => copy(all), h("dl", { class: "facts" }, ...pairs)));
  }
  if (facts.resources.length) {
    const rows = facts.resources.map((each) =>
      h(
        "li",
        { class: "resource" },
        icon("model"),
        each.address
          ? h("a", { class: "resource-name", href: each.address, ...OUT }, each.name)
          : h("span", { class: "resource-name" }, each.name),
        h("span", { class: "resource-about" }, [each.type, each.strength].filter(Boolean).join(" · ")),
      ),
    );
    sections.push(section("Made with", null, h("ul", { class: "resources" }, ...rows)));
  }
  if (!sections.length) {
    sections.push(h("p", { class: "hint" }, "Its author has not said how it was made."));
  }
  const foot = [
    facts.author && h("span", {}, "by ", h("b", {}, facts.author)),
    facts.date && h("span", {}, facts.date),
    facts.page && h("a", { class: "link", href: facts.page, ...OUT }, "CivitAI", icon("out")),
  ].filter(Boolean);
  sections.push(h("footer", { class: "picture-foot" }, ...foot));
  return sections;
}

const OUT = { target: "_blank", rel: "noopener noreferrer" };

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
