/** One set of icons: 16 px grid, stroke 1.5, drawn in the colour of the text around them. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  plus: "M8 3v10M3 8h10",
  expand: "M9.5 2.5h4v4M13.5 2.5 9 7M6.5 13.5h-4v-4M2.5 13.5 7 9",
  gear:
    "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 1.8v1.9M8 12.3v1.9M14.2 8h-1.9M3.7 8H1.8" +
    "M12.4 3.6 11 5M5 11l-1.4 1.4M12.4 12.4 11 11M5 5 3.6 3.6",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.2 3.2",
  star: "m8 2.2 1.8 3.6 4 .6-2.9 2.8.7 4L8 11.3l-3.6 1.9.7-4L2.2 6.4l4-.6Z",
  close: "m4 4 8 8M12 4l-8 8",
  back: "M13 8H3M7 4 3 8l4 4",
  left: "m10 3.5-4.5 4.5 4.5 4.5",
  right: "m6 3.5 4.5 4.5L6 12.5",
  down: "m4 6.5 4 4 4-4",
  input: "M2 8h8M7 5l3 3-3 3M13.5 3v10",
  load: "M2.5 4.5v7a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-7a1 1 0 0 0-1-1h-9a1 1 0 0 0-1 1ZM8 5.8v4.4M5.8 8h4.4",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  copy: "M6 6h7.5v7.5H6ZM3.5 10H2.5V2.5H10v1",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  key: "M5.5 13a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM7.6 8.2 13 2.8M10.7 5.1l2 2",
  image: "M2.5 3.5h11v9h-11ZM2.5 11l3.2-3.2 2.6 2.6 1.8-1.8 3.4 3.2M10.3 6h.01",
  video: "M2.5 3.5h11v9h-11ZM6.8 6l3 2-3 2Z",
  out: "M6 4h-2.5v8.5H12V10M8.5 2.5h5v5M13.5 2.5 7.5 8.5",
  check: "m3 8.5 3.3 3.3L13 4.8",
  warning: "M8 2.5 14 13H2ZM8 6.5v3M8 11.3h.01",
  get: "M8 2.5v8M4.5 7 8 10.5 11.5 7M3 13.5h10",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.5v9L12 8Z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.2l2 1.3",
  ring: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Z",
  half: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 2.5v11",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9",
  hidden:
    "M6.4 4A6.6 6.6 0 0 1 8 3.8c3.2 0 5.3 2.4 6.2 4.2a8.6 8.6 0 0 1-1.6 2.2M10.9 11.6a6 6 0 0 1-2.9.6" +
    "C4.8 12.2 2.7 9.8 1.8 8a8.6 8.6 0 0 1 2.9-3.3M6.7 6.8a1.8 1.8 0 0 0 2.5 2.5M2.5 2.5l11 11",
  folder: "M2.5 4v8.5h11V5.5H8L6.5 4Z",
  graph: "M2.5 3h4v3.5h-4ZM9.5 9.5h4V13h-4ZM6.5 4.8H9a1.5 1.5 0 0 1 1.5 1.5v3.2",
  up: "M8 13V3M4 7l4-4 4 4",
  heart: "M8 13.2 2.9 8.1a3 3 0 0 1 0-4.3 3 3 0 0 1 4.3 0L8 4.6l.8-.8a3 3 0 0 1 4.3 0 3 3 0 0 1 0 4.3Z",
  minus: "M3 8h10",
  pencil: "M3 13l.6-2.8 7-7a1.3 1.3 0 0 1 1.9 0l.3.3a1.3 1.3 0 0 1 0 1.9l-7 7ZM9.5 4.3l2.2 2.2",
  model: "m8 2 5.5 3v6L8 14l-5.5-3V5ZM2.5 5 8 8l5.5-3M8 8v6",
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * An icon that says nothing by itself: what it stands next to or in carries the words.
 * @param {IconName} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
