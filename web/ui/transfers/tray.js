/** The transfers at the foot of every tab: one line, and a list behind it. */

import { iconButton } from "../parts/buttons.js";
import { h, refill } from "../parts/dom.js";
import { countText, leftText, rateText, sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { STATE_WORDS, sumJobs } from "../wanted/entries.js";

/**
 * @typedef {import("../wanted/entries.js").Job} Job
 * @typedef {import("../wanted/catalog.js").Catalog} Catalog
 */

/** @type {Record<string, string>} */
const WORDS = {
  queued: STATE_WORDS.queued,
  running: STATE_WORDS.downloading,
  paused: STATE_WORDS.paused,
  failed: STATE_WORDS.error,
};

export class Tray {
  /**
   * @param {Catalog} catalog
   * @param {import("../wanted/entry-acts.js").Acts} acts
   * @param {import("../uploads/upload-rows.js").UploadRows} uploads
   */
  constructor(catalog, acts, uploads) {
    this.catalog = catalog;
    this.acts = acts;
    this.uploads = uploads;
    this.words = h("span", { class: "tray-words" });
    this.rate = h("span", { class: "tray-rate" });
    this.left = h("span", { class: "tray-left" });
    this.bar = h("div", { class: "bar" }, h("span"));
    this.line = h(
      "button",
      { class: "tray-line", type: "button", "aria-expanded": "false", onclick: () => this.#toggle() },
      this.words,
      this.rate,
      this.left,
      icon("down"),
    );
    this.transfers = h("ul", { class: "tray-rows", "aria-label": "Transfers and uploads" });
    this.list = h("div", { class: "tray-list", hidden: true }, this.transfers, uploads.past.element);
    this.element = h(
      "section",
      { class: "tray", "aria-label": "Transfers", hidden: true },
      this.list,
      this.line,
      this.bar,
      uploads.picker,
    );
    /** @type {Map<string, {row: HTMLElement, show: (job: Job) => void}>} */
    this.rows = new Map();
    catalog.addEventListener("progress", () => this.draw());
    catalog.addEventListener("change", () => this.draw());
  }

  /** @returns {boolean} whether it was open */
  close() {
    if (this.list.hidden) return false;
    this.#toggle();
    return true;
  }

  /**
   * Show the list, also where nothing is under way.
   * @param {boolean} [past] the past uploads too
   */
  open(past = false) {
    if (past) this.uploads.past.toggle(true);
    if (this.list.hidden) this.#toggle();
    (past ? this.uploads.past.button : this.line).focus({ preventScroll: true });
  }

  #toggle() {
    this.list.hidden = !this.list.hidden;
    this.line.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.list.hidden) this.uploads.leave();
    this.draw();
  }

  draw() {
    const { jobs } = this.catalog;
    const sum = sumJobs([...jobs, ...this.uploads.jobs()]);
    // An upload that has ended stays until it has been seen.
    const { items, past } = this.uploads;
    this.element.hidden = !sum.going && !sum.paused && !items.length && !past.open;
    if (this.element.hidden) {
      this.list.hidden = true;
      this.line.setAttribute("aria-expanded", "false");
    }
    this.words.textContent = sumText(sum);
    this.rate.textContent = sum.going && sum.rate ? rateText(sum.rate) : "";
    this.left.textContent = sum.left === null ? "" : leftText(sum.left);
    this.bar.hidden = !sum.going;
    this.bar.style.setProperty("--done", String(sum.share));
    if (!this.list.hidden || this.element.hidden) this.#drawList(jobs);
  }

  /** @param {Job[]} jobs */
  #drawList(jobs) {
    /** @type {Tray["rows"]} */
    const rows = new Map();
    for (const job of jobs) {
      const part = this.rows.get(job.id) ?? this.#row();
      part.show(job);
      rows.set(job.id, part);
    }
    this.rows = rows;
    const elements = [...rows.values()].map(({ row }) => row);
    refill(this.transfers, [...elements, ...this.uploads.draw()]);
  }

  #row() {
    /** @type {Job | null} */
    let job = null;
    const act = (/** @type {import("../wanted/entry-acts.js").TransferAct} */ what) => () =>
      job && this.acts.transferJob(job, what);
    const name = h("span", { class: "entry-name" });
    const facts = h("span", { class: "entry-facts" });
    const bar = h("div", { class: "bar" }, h("span"));
    const pause = iconButton("pause", "Pause", act("pause"));
    const go = iconButton("play", "Resume", act("resume"));
    const retry = iconButton("retry", "Retry", act("resume"));
    const cancel = iconButton("close", "Cancel", act("cancel"));
    const row = h(
      "li",
      { class: "tray-row" },
      h("span", { class: "entry-words" }, name, facts),
      h("span", { class: "entry-acts" }, pause, go, retry, cancel),
      bar,
    );
    return {
      row,
      show: (/** @type {Job} */ now) => {
        job = now;
        name.textContent = name.title = now.title;
        facts.textContent = facts.title = jobFacts(now);
        row.dataset.state = now.state;
        pause.hidden = now.state !== "running" && now.state !== "queued";
        go.hidden = now.state !== "paused";
        retry.hidden = now.state !== "failed";
        bar.style.setProperty("--done", String(now.total ? Math.min(1, now.done / now.total) : 0));
      },
    };
  }
}

/** @param {ReturnType<typeof sumJobs>} sum */
function sumText({ going, paused, failed, done }) {
  if (going) return countText(going, "transfer");
  if (paused) return `${paused} paused`;
  if (failed) return `${failed} failed`;
  return done ? `${done} done` : "Nothing on its way";
}

/** @param {Job} job */
function jobFacts(job) {
  const facts = [WORDS[job.state]];
  if (job.state === "failed") facts.push(job.error ?? "");
  else if (job.total) facts.push(`${sizeText(job.done)} of ${sizeText(job.total)}`);
  if (job.state === "running" && job.rate) facts.push(rateText(job.rate));
  if (job.state === "running" && job.eta_s !== null) facts.push(leftText(job.eta_s));
  return facts.filter(Boolean).join(" · ");
}
