/** An upload in the tray. */

import { iconButton } from "../parts/buttons.js";
import { h } from "../parts/dom.js";
import { problemOf, stageOf } from "./items.js";
import { factsText, figuresOf, isForSettings } from "./upload-facts.js";

/**
 * @typedef {import("./items.js").Item} Item
 * @typedef {import("./upload-rows.js").UploadActs} UploadActs
 *
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(item: Item) => void} show
 */

/**
 * @param {UploadActs} acts
 * @param {(item: Item) => import("../data/jobs.js").Job | undefined} jobOf
 * @returns {Row}
 */
export function uploadRow(acts, jobOf) {
  /** @type {Item} */
  let item;
  const button = (/** @type {string} */ text, /** @type {(item: Item) => unknown} */ act) =>
    h("button", { class: "link", type: "button", onclick: () => act(item) }, text);
  const name = h("span", { class: "entry-name" });
  const facts = h("span", { class: "entry-facts" });
  const bar = h("div", { class: "bar" }, h("span"));
  const pause = iconButton("pause", "Pause", () => acts.pause(item));
  const go = iconButton("play", "Resume", () => acts.resume(item));
  const retry = iconButton("retry", "Retry", () => acts.retry(item));
  const cancel = iconButton("close", "Cancel", () => acts.cancel(item));
  const dismiss = iconButton("close", "Put away", () => acts.dismiss(item));
  const choose = button("Choose the file …", acts.choose);
  const show = button("Show", acts.show);
  const settings = button("Settings", acts.settings);
  const element = h(
    "li",
    { class: "tray-row upload-row" },
    h("span", { class: "entry-words" }, name, facts),
    h("span", { class: "entry-acts" }, pause, go, retry, cancel, dismiss),
    h("span", { class: "upload-links" }, choose, show, settings),
    bar,
  );
  return {
    element,
    show: (now) => {
      item = now;
      const stage = stageOf(now);
      const figures = figuresOf(now, jobOf(now));
      const over = stage === "done" || stage === "failed" || stage === "refused";
      name.textContent = name.title = now.name;
      facts.textContent = facts.title = factsText(now, figures);
      element.dataset.stage = stage;
      element.dataset.state = stage === "failed" || stage === "refused" ? "failed" : "";
      pause.hidden = stage !== "sending" && stage !== "waiting";
      go.hidden = stage !== "paused";
      retry.hidden = !(stage === "refused" || (stage === "failed" && acts.canRetry(now)));
      cancel.hidden = over;
      dismiss.hidden = !over;
      choose.hidden = stage !== "stopped";
      show.hidden = stage !== "done" || !acts.canShow(now.upload);
      settings.hidden = !isForSettings(problemOf(now));
      bar.hidden = over;
      bar.style.setProperty("--done", String(figures.total ? Math.min(1, figures.done / figures.total) : 0));
    },
  };
}
