/** The run of the model that is looked at, asked for as often as something changes. */

import { ApiError, api } from "../data/api.js";
import { paced } from "../parts/paced.js";
import { isGoing } from "./run-facts.js";

/** @typedef {import("./run-facts.js").RunFacts} RunFacts */

const BETWEEN_LOOKS = 400;
const END_IS_TOLD = 11_000;

/** Fires `change` when it stands otherwise. */
export class Run extends EventTarget {
  constructor() {
    super();
    /** @type {number | undefined} */
    this.modelId = undefined;
    /** @type {RunFacts | null} null: not known yet */
    this.facts = null;
    /** @type {{failures: import("./run-facts.js").Failure[], count: number}} of the last run */
    this.failed = { failures: [], count: 0 };
    this.looks = paced(() => this.#read(), BETWEEN_LOOKS);
  }

  get isGoing() {
    return this.facts !== null && isGoing(this.facts);
  }

  /** @param {number | undefined} modelId */
  follow(modelId) {
    if (modelId === this.modelId) return;
    this.modelId = modelId;
    this.facts = null;
    this.failed = { failures: [], count: 0 };
    this.#tell();
    this.look();
  }

  look() {
    if (this.modelId !== undefined) this.looks.ask();
  }

  stop() {
    clearTimeout(this.timer);
    this.looks.stop();
  }

  async #read() {
    const { modelId } = this;
    if (modelId === undefined) return;
    try {
      const facts = await api.run(modelId);
      if (modelId !== this.modelId) return;
      this.facts = facts;
      // They stay to be looked at when the run itself is not told of any more.
      if (facts.status !== "idle") this.failed = { failures: facts.failures ?? [], count: facts.failed ?? 0 };
      this.#tell();
      clearTimeout(this.timer);
      // How it has ended is told for ten seconds, and nothing says when they are over.
      if (facts.status === "done" || facts.status === "stopped") {
        this.timer = setTimeout(() => this.look(), END_IS_TOLD);
      }
    } catch (error) {
      // The list of pictures says what is wrong; the next event asks again.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
