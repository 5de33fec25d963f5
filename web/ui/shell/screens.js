/** The tabs that there are, in their order. A new one is a line here, and its style in app.js. */

import { GalleryScreen } from "../gallery/gallery-screen.js";
import { ModelsScreen } from "../models/models-screen.js";
import { WantedScreen } from "../wanted/wanted-screen.js";

/**
 * @typedef {object} Screens
 * @property {ModelsScreen} models
 * @property {GalleryScreen} gallery
 * @property {WantedScreen} wanted
 */

/**
 * @param {import("./screen.js").Shell} shell
 * @returns {Screens}
 */
export const makeScreens = (shell) => ({
  models: new ModelsScreen(shell),
  gallery: new GalleryScreen(shell),
  wanted: new WantedScreen(shell),
});
