/** Long work that keeps the gallery in order: what nothing refers to, thumbnails, the index. */

import { api } from "../data/api.js";
import { confirm } from "../parts/confirm.js";
import { h } from "../parts/dom.js";
import { countText, sizeText } from "../parts/figures.js";
import { Task } from "../parts/task.js";
import { cleanupWords, isClean, problemList, rebuildFigures, reportList } from "../intake/reports.js";

/** @typedef {import("../intake/reports.js").Cleanup} Cleanup */

const SHOWN = 50;

export class Care {
  /**
   * @param {import("../data/jobs.js").Jobs} jobs
   * @param {() => void} changed
   */
  constructor(jobs, changed) {
    this.jobs = jobs;
    this.changed = changed;
    this.tasks = [new Task(jobs), new Task(jobs), new Task(jobs)];
    const [cleanup, thumbs, rebuild] = /** @type {[Task, Task, Task]} */ (this.tasks);
    this.element = h(
      "section",
      { class: "stack care" },
      h("h3", {}, "In order"),
      act(
        "Pictures that nothing refers to",
        "Of models in no catalog; not starred, not own, no preview, in no collection.",
        "Find",
        () => this.#find(cleanup),
        cleanup,
      ),
      act(
        "Thumbnails",
        "Make those that are missing now, not when they are looked at.",
        "Make",
        () => this.#thumbs(thumbs),
        thumbs,
      ),
      act(
        "Index",
        "Read it anew from the files, when pictures are missing here that lie on the disk.",
        "Rebuild",
        () => this.#rebuild(rebuild),
        rebuild,
      ),
    );
  }

  clear() {
    for (const task of this.tasks) task.clear();
  }

  /** @param {Task} task */
  #find(task) {
    task.run({
      doing: "Looking",
      start: () => api.cleanup(true),
      draw: (/** @type {Cleanup} */ found) => {
        if (isClean(found)) return [h("p", { class: "hint" }, "Nothing to remove.")];
        const remove = () => this.#remove(task, found);
        return [
          h("p", {}, `${cleanupWords(found)}.`),
          h(
            "ul",
            { class: "plain-list" },
            ...found.models.slice(0, SHOWN).map(({ name, model_id: id, count, bytes }) => {
              const size = `${countText(count, "picture")}, ${sizeText(bytes)}`;
              return h("li", { class: "hint" }, `${name || `Model ${id}`}: ${size}`);
            }),
          ),
          h("button", { class: "button", type: "button", onclick: remove }, "Remove them …"),
        ];
      },
    });
  }

  /**
   * @param {Task} task
   * @param {Cleanup} found
   */
  async #remove(task, found) {
    const yes = await confirm(this.element, {
      title: "Remove what nothing refers to",
      text: `${cleanupWords(found)}: deleted for good.`,
      act: "Remove",
    });
    if (!yes) return;
    await task.run({
      doing: "Removing",
      start: () => api.cleanup(false),
      draw: (/** @type {Cleanup} */ done) => [h("p", {}, `Removed: ${cleanupWords(done)}.`)],
    });
    this.changed();
  }

  /** @param {Task} task */
  #thumbs(task) {
    return task.run({
      doing: "Making thumbnails",
      start: () => api.makeThumbs(),
      silent: true,
      draw: () => [h("p", { class: "hint" }, "Every picture has its thumbnail.")],
    });
  }

  /** @param {Task} task */
  async #rebuild(task) {
    await task.run({
      doing: "Reading files",
      start: () => api.rebuild(),
      draw: (report) => [reportList(rebuildFigures(report)), problemList(report)],
    });
    this.changed();
  }
}

/**
 * @param {string} title
 * @param {string} about
 * @param {string} text of the button
 * @param {() => void} run
 * @param {Task} task
 */
function act(title, about, text, run, task) {
  return h(
    "div",
    { class: "care-act" },
    h(
      "span",
      { class: "entry-words" },
      h("b", {}, title),
      h("span", { class: "entry-facts is-whole" }, about),
    ),
    h(
      "button",
      { class: "button small", type: "button", "aria-label": `${text}: ${title}`, onclick: run },
      text,
    ),
    task.element,
  );
}
