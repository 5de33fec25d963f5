/** The picture or video itself. */

import { api } from "../data/api.js";
import { describe } from "../gallery/card.js";
import { h } from "../parts/dom.js";

/** @typedef {import("../data/api.js").Item} Item */

/**
 * With its size told beforehand, so that nothing jumps.
 * @param {Item} item
 */
function size({ meta }) {
  return { width: meta.width || undefined, height: meta.height || undefined };
}

/**
 * A video that plays by itself, without sound, unless less motion is asked for.
 * @param {Item} item
 */
export function playing(item) {
  const video = h("video", {
    ...size(item),
    src: api.media(item),
    poster: api.thumb(item.id),
    controls: true,
    loop: true,
  });
  video.playsInline = true;
  video.muted = true;
  video.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  return video;
}

/**
 * A picture; its thumbnail stands there until the file itself has come.
 * @param {Item} item
 * @param {() => void} zoom
 */
export function shown(item, zoom) {
  const image = h("img", {
    ...size(item),
    src: api.thumb(item.id),
    alt: describe(item),
    class: "is-thumb",
    onclick: zoom,
  });
  const full = new Image();
  full.onload = () => {
    image.src = full.src;
    image.classList.remove("is-thumb");
  };
  full.src = api.media(item);
  return image;
}
