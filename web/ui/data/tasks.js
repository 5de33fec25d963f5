/** Long work that ends with a report. */

import { ApiError, api } from "./api.js";

/**
 * @typedef {import("./jobs.js").Job} Job
 * @typedef {import("./jobs.js").Jobs} Jobs
 */

const MISSES = 2;

/**
 * Follow a job until it is over; resolves to its report. Rejects when it failed, or with null when
 * it was cancelled or `signal` says that nobody waits any more.
 * @param {Jobs} jobs
 * @param {string} id
 * @param {(job: Job) => void} progress
 * @param {AbortSignal} signal
 * @param {boolean} [silent] it reports nothing
 * @param {(id: string) => Promise<{report: unknown}>} [read] asks for the report
 * @returns {Promise<any>}
 */
export function reportOf(jobs, id, progress, signal, silent = false, read = api.task) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const leave = () => {
      over.abort();
      reject(null);
    };
    let missed = 0;
    const look = () => {
      const job = jobs.get(id);
      if (!job) {
        // A look that was under way when the job began does not know it yet.
        missed += 1;
        if (missed > MISSES) over.abort();
        if (missed > MISSES) reject(new ApiError(0, "The server knows nothing of it any more."));
        return;
      }
      progress(job);
      if (job.state === "done" && silent) resolve(null);
      else if (job.state === "done") read(id).then(({ report }) => resolve(report), reject);
      else if (job.state === "cancelled") reject(null);
      else if (job.state === "failed") reject(new ApiError(0, job.error ?? "It failed."));
      else return;
      over.abort();
    };
    signal.addEventListener("abort", leave, { signal: over.signal });
    jobs.addEventListener("change", look, { signal: over.signal });
    jobs.look();
  });
}
