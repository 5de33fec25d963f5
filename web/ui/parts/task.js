/** Long work on a screen: how far it is, a way to end it, what came of it. */

import { ApiError, api, words } from "../data/api.js";
import { reportOf } from "../data/tasks.js";
import { fill, h } from "./dom.js";
import { leftText } from "./figures.js";
import { icon } from "./icons.js";

/**
 * @typedef {import("../data/jobs.js").Job} Job
 * @typedef {object} Work
 * @property {string} doing what is being done, in words
 * @property {() => Promise<{id: string}>} start the job
 * @property {boolean} [silent] nothing is reported
 * @property {(id: string) => Promise<{report: unknown}>} [read] asks for the report
 * @property {(report: any) => (Element | null)[]} draw what came of it
 */

export class Task {
  /** @param {import("../data/jobs.js").Jobs} jobs */
  constructor(jobs) {
    this.jobs = jobs;
    this.abort = new AbortController();
    this.busy = false;
    this.element = h("div", { class: "task", "aria-live": "polite" });
  }

  /** What came of it is not shown any more; what still runs is. */
  clear() {
    if (!this.busy) fill(this.element);
  }

  /** @param {Work} work */
  async run(work) {
    this.abort.abort();
    this.abort = new AbortController();
    this.busy = true;
    const { signal } = this.abort;
    const text = h("span", { class: "task-text" }, `${work.doing} …`);
    const bar = h("div", { class: "bar" }, h("span"));
    const cancel = h("button", { class: "button small", type: "button", hidden: true }, "Cancel");
    fill(this.element, h("div", { class: "task-line" }, h("span", { class: "spinner" }), text, cancel), bar);
    const progress = (/** @type {Job} */ job) => {
      if (signal.aborted) return;
      text.textContent = progressWords(work.doing, job);
      bar.style.setProperty("--done", String(job.total ? Math.min(1, job.done / job.total) : 0));
    };
    try {
      const job = await work.start();
      if (signal.aborted) return;
      cancel.hidden = false;
      cancel.onclick = () => api.cancelJob(job.id).catch(() => this.jobs.look());
      const report = await reportOf(this.jobs, job.id, progress, signal, work.silent, work.read);
      if (!signal.aborted) fill(this.element, ...work.draw(report));
    } catch (error) {
      if (!signal.aborted) this.#drawEnd(error, work);
    }
    if (!signal.aborted) this.busy = false;
  }

  /**
   * @param {unknown} error null: it was cancelled
   * @param {Work} work
   */
  #drawEnd(error, work) {
    if (error === null) {
      fill(this.element, h("p", { class: "hint" }, "Cancelled. What was done until then stays."));
      return;
    }
    if (!(error instanceof ApiError)) console.error(error);
    const again = () => this.run(work);
    const said = h("span", {}, words(error));
    fill(
      this.element,
      h("p", { class: "problem task-problem", role: "alert" }, icon("warning"), said),
      h("button", { class: "button small", type: "button", onclick: again }, "Retry"),
    );
  }
}

/**
 * @param {string} doing
 * @param {Job} job
 */
function progressWords(doing, { state, done, total, eta_s: left }) {
  if (state === "queued") return `${doing}: waiting …`;
  const far = total ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : "";
  return [far ? `${doing}: ${far}` : `${doing} …`, left ? leftText(left) : ""].filter(Boolean).join(" · ");
}
