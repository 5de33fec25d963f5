/** What the server knows of the catalog and its transfers, kept fresh by its events. */

import { ApiError, api } from "../data/api.js";
import { paced } from "../parts/paced.js";
import { applyJobs, readEntries } from "./entries.js";

/**
 * @typedef {import("./entries.js").Entry} Entry
 * @typedef {import("./entries.js").Job} Job
 * @typedef {import("./entries.js").Problem} Problem
 */

const BETWEEN_LISTS = 600;
const BETWEEN_LOOKS = 300;

/** Fires `change` when entries are others, `progress` when they only got on. */
export class Catalog extends EventTarget {
  constructor() {
    super();
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
    this.looks = paced(() => this.#readJobs(), BETWEEN_LOOKS);
    /** What the lists that are here know of the jobs. */
    this.known = "";
  }

  /** Read everything anew. */
  read() {
    this.lists.ask();
    this.looks.ask();
  }

  /** Ask only for the transfers; entries follow when one of them has come to another state. */
  look() {
    this.looks.ask();
  }

  stop() {
    this.lists.stop();
    this.looks.stop();
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

  async #readJobs() {
    try {
      const { jobs } = await api.jobs();
      const transfers = jobs.filter((job) => job.kind === "transfer");
      const known = JSON.stringify(transfers.map((job) => [job.id, job.state]).sort());
      const first = !this.known;
      if (known !== this.known && !first) this.lists.ask();
      this.known = known;
      this.jobs = transfers.filter((job) => ["running", "queued", "paused", "failed"].includes(job.state));
      applyJobs(this.entries, this.jobs);
      this.dispatchEvent(new Event("progress"));
    } catch (error) {
      // The lists say what is wrong; the next event asks again.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }
}
