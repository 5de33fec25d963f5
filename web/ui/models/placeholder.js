/** A quiet landscape in place of a picture that there is not. */

import { hueOf } from "./names.js";

const SVG = "http://www.w3.org/2000/svg";
const LAYERS = 3;

/**
 * @param {string} name always gives the same picture
 * @returns {SVGSVGElement}
 */
export function placeholder(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 75 100");
  svg.setAttribute("preserveAspectRatio", "xMidYMax slice");
  svg.setAttribute("class", "model-drawn");
  svg.setAttribute("aria-hidden", "true");
  svg.style.setProperty("--hue", String(hueOf(name)));
  const sun = document.createElementNS(SVG, "circle");
  sun.setAttribute("cx", String(18 + (hueOf(`${name} x`) % 40)));
  sun.setAttribute("cy", "30");
  sun.setAttribute("r", "8");
  svg.append(sun, ...Array.from({ length: LAYERS }, (_, layer) => hill(name, layer)));
  return svg;
}

/**
 * @param {string} name
 * @param {number} layer
 */
function hill(name, layer) {
  const path = document.createElementNS(SVG, "path");
  const at = (/** @type {number} */ x) => 44 + layer * 17 + (hueOf(`${name} ${layer} ${x}`) % 16) - 8;
  path.setAttribute("d", `M0 ${at(0)}C20 ${at(1)} 18 ${at(2)} 38 ${at(3)}S60 ${at(4)} 75 ${at(5)}V100H0Z`);
  path.setAttribute("class", `hill-${layer}`);
  return path;
}
