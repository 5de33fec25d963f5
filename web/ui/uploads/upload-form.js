/** Files and addresses that are about to be uploaded: what each is and where it goes. */

import { ApiError, api } from "../data/api.js";
import { iconButton } from "../parts/buttons.js";
import { fileName, fill, h } from "../parts/dom.js";
import { select } from "../parts/fields.js";
import { countText, sizeText } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { MODEL_TYPES, choices, firstChoice, kindOf, nameAt, wish } from "./files.js";
import { uploads } from "./uploads.js";

/**
 * @typedef {{name: string, size: number, file: File | null, address: string}} Offer
 * @typedef {{kind: string, choice: string, offers: Offer[]}} Group offers of one kind go one way
 *
 * @typedef {object} FormActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {() => void} begun the tray shows the rest
 * @property {() => void} past show the past uploads
 */

export class UploadForm {
  /** @param {FormActs} acts */
  constructor(acts) {
    this.acts = acts;
    /** @type {Group[]} */
    this.groups = [];
    this.types = MODEL_TYPES;
    this.picker = h("input", {
      type: "file",
      class: "off-screen",
      multiple: true,
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => {
        const files = [...(this.picker.files ?? [])];
        this.picker.value = "";
        this.offer(files);
      },
    });
    this.button = h(
      "button",
      { class: "button", type: "button", onclick: () => this.picker.click() },
      icon("up"),
      "Upload files …",
    );
    const past = h("button", { class: "link", type: "button", onclick: acts.past }, "Past uploads");
    this.problem = h("p", { class: "problem", role: "alert" });
    this.list = h("ul", { class: "offer-list" });
    this.go = h("button", { class: "button main wide", type: "button", onclick: () => this.#begin() });
    const cancel = h("button", { class: "button wide", type: "button", onclick: () => this.#clear() }, "Cancel");
    this.acting = h("div", { class: "field-row offer-acts", hidden: true }, this.go, cancel);
    this.element = h(
      "section",
      { class: "upload-form", "aria-label": "Upload files" },
      h("div", { class: "upload-head" }, this.button, h("span", { class: "spacer" }), past, this.picker),
      h("p", { class: "hint" }, "Models, pictures, videos and others; or drop them anywhere on this panel."),
      this.problem,
      this.list,
      this.acting,
    );
  }

  /**
   * Files to be uploaded; one whose upload waits for it goes on at once.
   * @param {File[]} files
   */
  offer(files) {
    this.problem.textContent = "";
    let went = 0;
    for (const file of files) {
      const waiting = uploads.waitingFor(file);
      if (waiting && !uploads.goOn(waiting, file)) went += 1;
      else if (!file.size) this.problem.textContent = `${file.name} is empty, or a folder.`;
      else this.#add({ name: file.name, size: file.size, file, address: "" });
    }
    if (went) this.acts.notice.done(`${countText(went, "upload goes", "uploads go")} on`);
    this.#draw();
    if (this.groups.length) this.#readTypes();
    else if (went) this.acts.begun();
  }

  /**
   * The file at an address, to be fetched by the server.
   * @param {string} address
   */
  offerAddress(address) {
    this.problem.textContent = "";
    this.#add({ name: nameAt(address), size: 0, file: null, address });
    this.#draw();
    this.#readTypes();
  }

  /**
   * A model at an address, which goes where what is in it belongs.
   * @param {string} name
   * @param {string} address
   */
  fetchModel(name, address) {
    uploads.fetch(name, { kind: "model", url: address });
    this.acts.begun();
  }

  /** @param {Offer} offer */
  #add(offer) {
    const kind = kindOf(offer.name);
    let group = this.groups.find((each) => each.kind === kind);
    if (!group) {
      group = { kind, choice: firstChoice(kind), offers: [] };
      this.groups.push(group);
    }
    const same = group.offers.some(
      ({ name, size, address }) => name === offer.name && size === offer.size && address === offer.address,
    );
    if (!same) group.offers.push(offer);
  }

  async #readTypes() {
    if (!this.groups.some(({ kind }) => kind === "model" || kind === "asset")) return;
    try {
      const types = await api.modelTypes();
      if (!types.length || types.join() === this.types.join()) return;
      this.types = types;
      this.#draw();
    } catch (error) {
      // The usual ones can be chosen all the same.
      if (!(error instanceof ApiError)) console.error(error);
    }
  }

  #draw() {
    const all = this.groups.flatMap(({ offers }) => offers);
    fill(this.list, ...this.groups.map((group) => this.#row(group)));
    this.acting.hidden = !all.length;
    const many = all.every(({ file }) => !file) ? "Get" : "Upload";
    this.go.textContent = `${many} ${countText(all.length, "file")}`;
    if (all.length) this.go.focus({ preventScroll: true });
    this.acting.scrollIntoView({ block: "nearest" });
  }

  /** @param {Group} group */
  #row(group) {
    const [first] = group.offers;
    const more = group.offers.length - 1;
    const name = more ? `${first?.name} and ${countText(more, "more", "more")}` : (first?.name ?? "");
    const size = group.offers.reduce((sum, offer) => sum + offer.size, 0);
    const where = select(group.choice, choices(this.types), (choice) => {
      group.choice = choice;
    });
    where.setAttribute("aria-label", `What ${name} is and where it goes`);
    const remove = iconButton("close", `Leave out ${name}`, () => {
      this.groups = this.groups.filter((each) => each !== group);
      this.#draw();
    });
    const title = group.offers.map((offer) => offer.address || offer.name).join("\n");
    return h(
      "li",
      { class: "offer" },
      h("span", { class: "add-name", title }, fileName(name)),
      h("span", { class: "count" }, size ? sizeText(size) : ""),
      remove,
      where,
    );
  }

  #begin() {
    for (const { choice, offers } of this.groups) {
      for (const { name, file, address } of offers) {
        if (file) uploads.send(file, wish(choice));
        else uploads.fetch(name, { ...wish(choice), url: address });
      }
    }
    this.#clear();
    this.acts.begun();
  }

  #clear() {
    this.groups = [];
    this.#draw();
    this.button.focus({ preventScroll: true });
  }
}
