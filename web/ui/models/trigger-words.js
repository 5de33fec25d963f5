/** Trigger words as text: one a line, below the names of their groups. */

/** @typedef {import("../data/library-calls.js").TriggerWord} TriggerWord */

/**
 * @param {TriggerWord[]} words
 * @returns {Map<string, string[]>} by group, in their order; "" first
 */
export function grouped(words) {
  /** @type {Map<string, string[]>} */
  const groups = new Map([["", []]]);
  for (const { text, group } of words) groups.set(group, [...(groups.get(group) ?? []), text]);
  if (!groups.get("")?.length) groups.delete("");
  return groups;
}

/** @param {TriggerWord[]} words */
export const wordsText = (words) =>
  [...grouped(words)].map(([group, texts]) => [...(group ? [`# ${group}`] : []), ...texts].join("\n")).join("\n");

/**
 * What `wordsText` makes, read back; empty lines mean nothing, a word stands once in a group.
 * @param {string} text
 * @returns {TriggerWord[]}
 */
export function readWords(text) {
  /** @type {TriggerWord[]} */
  const words = [];
  const known = new Set();
  let group = "";
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line.startsWith("#")) group = line.replace(/^#+/, "").trim();
    else if (line && !known.has(`${group}\n${line}`)) {
      known.add(`${group}\n${line}`);
      words.push({ text: line, group });
    }
  }
  return words;
}
