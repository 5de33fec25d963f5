/** What can be done with the whole library. */

import { api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { countText } from "../parts/figures.js";
import { Selection } from "./selection.js";

/**
 * @param {{notice: import("../parts/notice.js").Notice, rows: import("./model-rows.js").ModelRows,
 *   selection: Selection}} around
 */
export function libraryActs({ notice, rows, selection }) {
  const attempt = attempts(notice);
  return {
    /** All that the filters leave. */
    select: () =>
      attempt(async () => {
        const { models, total } = await api.library(rows.filter, { limit: Selection.MOST, offset: 0 });
        selection.set(models);
        return models.length < total ? `The first ${countText(models.length, "model")} are selected` : "";
      }),
    scan: () =>
      attempt(async () => {
        await api.scanLibrary();
        return "Looking through the folders";
      }),
    lookUp: () =>
      attempt(async () => {
        await api.lookUp(undefined);
        return "Asking CivitAI about all models it was not asked about before";
      }),
  };
}
