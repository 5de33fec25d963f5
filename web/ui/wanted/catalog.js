/** What the server knows of the catalog and its transfers, kept fresh by its events. */

import { ApiError, api } from "../data/api.js";
import { paced } from "../parts/paced.js";
import { applyJobs, readEntries } from "./entries.js";

/**
 * @typedef {import("./entries.js").Entry} Entry
 * @typedef {import("../data/jobs.js").Job} Job
 * @typedef {import("./entries.js").Problem} Problem
 */

const BETWEEN_LISTS = 600;

/** Fires `change` when entries are others, `progress` when they only got on. */
export class Catalog extends EventTarget {
  /** @param {import("../data/jobs.js").Jobs} jobs */
  constructor(jobs) {
    super();
    this.work = jobs;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Problem[]} */
    this.problems = [];
    /** @type {Job[]} transfers that run, wait, are paused or have failed */
    this.jobs = [];
    /** @type {"loading" | "ready" | "failed"} */
    this.state = "loading";
    /** @type {unknown} */
    this.error = null;
    this.lists = paced(() => this.#readLists(), BETWEEN_LISTS);
    jobs.addEventListener("change", () => this.#follow());
    /** What the lists that are here know of the jobs. */
    this.known = "";
  }

  /** Read everything anew. */
  read() {
    this.lists.ask();
    this.work.look();
  }

  /** Ask only for the transfers; entries follow when one of them has come to another state. */
  look() {
    this.work.look();
  }

  stop() {
    this.lists.stop();
  }

  /**
   * The entry that a job fetches.
   * @param {Job} job
   */
  entryOf(job) {
    return this.entries.find((entry) => entry.item.transfer === job.id);
  }

  async #readLists() {
    try {
      const [models, loras] = await Promise.all([api.catalog("models"), api.catalog("loras")]);
      this.entries = readEntries({ models, loras });
      this.problems = [models.problem, loras.problem].filter((each) => each !== null);
      this.state = "ready";
      this.error = null;
      applyJobs(this.entries, this.jobs);
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.error = error;
      this.state = "failed";
    }
    this.dispatchEvent(new Event("change"));
  }

  #follow() {
    const transfers = this.work.all.filter((job) => job.kind === "transfer");
    const known = JSON.stringify(transfers.map((job) => [job.id, job.state]).sort());
    if (known !== this.known && this.known) this.lists.ask();
    this.known = known;
    this.jobs = transfers.filter((job) => ["running", "queued", "paused", "failed"].includes(job.state));
    applyJobs(this.entries, this.jobs);
    this.dispatchEvent(new Event("progress"));
  }
}
