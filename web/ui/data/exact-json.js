/** JSON whose whole numbers keep all their digits: seeds go beyond what a number here can hold. */

const LARGE = /\d{16}/;
const PIECES = /\\.|"|-?\d[\d.eE+-]*/gs;
const WHOLE = /^-?[1-9]\d{15,999}$/;

/**
 * As JSON.parse, but whole numbers that it would round are BigInt.
 * @param {string} text
 * @returns {any}
 */
export function readJson(text) {
  if (!LARGE.test(text)) return JSON.parse(text);
  // No text that was sent can know it.
  const mark = `whole ${Math.random()} `;
  let quoted = false;
  const marked = text.replace(PIECES, (piece) => {
    if (piece === '"') quoted = !quoted;
    return quoted || !isRounded(piece) ? piece : `"${mark}${piece}"`;
  });
  return JSON.parse(marked, (_, value) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

/**
 * As JSON.stringify, but a BigInt is the number it stands for.
 * @param {unknown} value
 * @param {number} [indent]
 */
export function writeJson(value, indent) {
  const mark = `whole ${Math.random()} `;
  const text = JSON.stringify(
    value,
    (_, each) => (typeof each === "bigint" ? `${mark}${each}` : each),
    indent,
  );
  return text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}

/** @param {string} piece */
const isRounded = (piece) => WHOLE.test(piece) && !Number.isSafeInteger(Number(piece));
