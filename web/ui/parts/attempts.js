/** Work whose end is told in the notice: what has been done, or why not. */

import { ApiError, words } from "../data/call.js";

/**
 * @param {import("./notice.js").Notice} notice
 * @returns {(work: () => Promise<string | void>) => Promise<boolean>} the work says what it has done,
 *   or nothing where that is plain to see; whether it went well
 */
export const attempts = (notice) => async (work) => {
  try {
    const said = await work();
    if (said) notice.done(said);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) console.error(error);
    // A plain one is how ComfyUI's side says what is missing there; others are faults of ours.
    const plain = error instanceof Error && error.constructor === Error;
    notice.failed(plain ? error.message : words(error));
    return false;
  }
};
