/** Getting pictures of the model that is looked at: the line above them, the form, what has failed. */

import { api } from "../data/api.js";
import { attempts } from "../parts/attempts.js";
import { FailuresSheet } from "./failures-sheet.js";
import { deleteGallery } from "./removal.js";
import { RunBar } from "./run-bar.js";
import { runBody } from "./run-facts.js";
import { RunForm } from "./run-form.js";
import { Run } from "./run.js";

/**
 * @typedef {object} Chosen the model
 * @property {string} name
 * @property {number} count pictures of it
 * @property {number | undefined} version
 * @property {string} versionName
 */

/**
 * @typedef {object} Around
 * @property {import("../parts/notice.js").Notice} notice
 * @property {() => Chosen} chosen
 * @property {() => import("../parts/menu.js").Entry[]} menu acts of the whole gallery
 * @property {() => void} settings open the settings
 * @property {() => void} openFailures
 * @property {() => void} closeFailures
 */

export class RunPanel {
  /** @param {Around} around */
  constructor(around) {
    this.around = around;
    this.attempt = attempts(around.notice);
    this.run = new Run();
    this.form = new RunForm({ start: (choice) => this.#start(choice), cancel: () => this.closeForm() });
    this.failures = new FailuresSheet({
      close: around.closeFailures,
      again: () => {
        around.closeFailures();
        this.openForm();
      },
    });
    this.bar = new RunBar(this.run, {
      get: () => (this.form.element.hidden ? this.openForm() : this.closeForm()),
      stop: () => this.#stop(),
      failures: around.openFailures,
      settings: around.settings,
      menu: () => [...this.#menu(), ...around.menu()],
    });
    this.run.addEventListener("change", () => {
      this.failures.tell(this.run.failed.failures, this.run.failed.count);
      if (this.run.isGoing) this.form.element.hidden = true;
    });
  }

  /** @param {number | undefined} modelId */
  follow(modelId) {
    if (modelId !== this.run.modelId) this.form.element.hidden = true;
    this.run.follow(modelId);
  }

  /** @param {string} topic */
  hear(topic) {
    if (topic === "gallery" || topic === "reset") this.run.look();
    if (topic === "jobs" && this.run.isGoing) this.run.look();
  }

  /**
   * @param {number} total pictures in the list
   * @param {boolean} known
   */
  showTotal(total, known) {
    this.bar.showTotal(total, known);
  }

  openForm() {
    const { version, versionName } = this.around.chosen();
    this.form.show(version === undefined ? "" : versionName);
  }

  /** @returns {boolean} whether it was open */
  closeForm() {
    if (this.form.element.hidden) return false;
    this.form.element.hidden = true;
    this.bar.get.focus({ preventScroll: true });
    return true;
  }

  stop() {
    this.run.stop();
  }

  /** Pictures of the model, whatever the filters are. */
  get whole() {
    return this.around.chosen().count;
  }

  /** @returns {import("../parts/menu.js").Entry[]} */
  #menu() {
    const { modelId } = this.run;
    if (modelId === undefined) return [];
    const page = { text: "Open on CivitAI", href: `https://civitai.com/models/${modelId}` };
    const remove = { text: "Delete this gallery …", act: () => this.#remove(modelId) };
    return [...(modelId ? [page] : []), ...(this.whole ? [remove] : [])];
  }

  /** @param {import("./run-facts.js").RunChoice} choice */
  #start(choice) {
    const { modelId } = this.run;
    if (modelId === undefined) return;
    this.form.element.hidden = true;
    this.#attempt(async () => {
      const { message } = await api.changeRun(modelId, runBody(choice, this.around.chosen().version));
      return message;
    });
  }

  #stop() {
    const { modelId } = this.run;
    if (modelId === undefined) return;
    this.#attempt(async () => void (await api.changeRun(modelId, { action: "stop" })));
  }

  /** @param {number} id */
  #remove(id) {
    const { name } = this.around.chosen();
    return this.#attempt(() => deleteGallery(this.bar.element, { id, name, count: this.whole }));
  }

  /** @param {() => Promise<string | void>} work says what it has done */
  async #attempt(work) {
    await this.attempt(work);
    this.run.look();
  }
}
