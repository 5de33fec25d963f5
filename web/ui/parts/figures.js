/** Sizes, rates and times as short texts. */

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/**
 * Bytes in decimal units, as download pages and disks count them.
 * @param {number} bytes
 */
export function sizeText(bytes) {
  let value = Math.max(0, bytes);
  let unit = 0;
  // What would be rounded to 1000 is one of the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 1 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** @param {number} bytes a second */
export const rateText = (bytes) => `${sizeText(bytes)}/s`;

/** @param {number} seconds */
export function leftText(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.round(hours / 24)} days left`;
  return minutes % 60 ? `${hours} h ${minutes % 60} min left` : `${hours} h left`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const countText = (count, one, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
