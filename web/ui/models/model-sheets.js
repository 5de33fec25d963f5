/** The screens behind the library's ⋯, which take the place of the list. */

import { CollectionSheet } from "../collections/collection-sheet.js";
import { CollectionsSheet } from "../collections/collections-sheet.js";
import { Sheets } from "../parts/sheet.js";
import { ExportSheet } from "../staging/export-sheet.js";
import { MigrateSheet } from "../staging/migrate-sheet.js";
import { StagingSheet } from "../staging/staging-sheet.js";
import { BesideSheet } from "./beside-sheet.js";
import { CareSheet } from "./care-sheet.js";
import { MoveSheet } from "./move-sheet.js";
import { TagsSheet } from "./tags-sheet.js";

/**
 * @typedef {import("../data/library-calls.js").Model} Model
 * @typedef {import("../parts/sheet.js").Sheet} Sheet
 *
 * @typedef {object} SheetActs
 * @property {import("../shell/screen.js").Shell} shell
 * @property {import("./model-acts.js").ModelActs} models
 * @property {import("../gallery/veils.js").Veils} veils
 * @property {() => void} opening another thing gives way
 * @property {() => void} close to the list
 * @property {() => void} back one step
 * @property {(key: string) => void} open a model beside the sheet
 * @property {(id: string) => void} openCollection
 * @property {(tag: import("../data/library-calls.js").ModelTag) => void} showTag in the list
 */

export class ModelSheets extends Sheets {
  /**
   * @param {HTMLElement} list
   * @param {SheetActs} acts
   */
  constructor(list, acts) {
    const { notice, jobs, copy } = acts.shell;
    const sheet = { notice, jobs, close: acts.close, open: acts.open };
    const collections = new CollectionsSheet({ ...sheet, copy, openCollection: acts.openCollection });
    const one = new CollectionSheet(acts, collections);
    const tags = new TagsSheet({ ...sheet, showTag: acts.showTag });
    const staging = new StagingSheet(sheet);
    const migrate = new MigrateSheet(sheet);
    const care = new CareSheet(sheet);
    const move = new MoveSheet(sheet);
    const beside = new BesideSheet(sheet);
    const exchange = new ExportSheet(sheet);
    super(list, [collections, one, tags, staging, migrate, care, move, beside, exchange]);
    this.acts = acts;
    this.collections = collections;
    this.collection = one;
    this.staging = staging;
    this.move = move;
    /** @type {readonly (readonly [string, Sheet])[]} */
    this.named = [
      ["Collections …", collections],
      ["Tags …", tags],
      ["Staging …", staging],
      ["Older database …", migrate],
      ["Duplicates and unused …", care],
      ["Moves …", move],
      ["Beside the models …", beside],
      ["Export, import, backups …", exchange],
    ];
  }

  /** @param {Sheet} sheet */
  open(sheet) {
    this.acts.opening();
    super.open(sheet);
  }

  /** @param {string} id */
  openCollection(id) {
    this.collection.choose(id);
    this.open(this.collection);
  }

  /** @param {Model[]} models that are to be moved */
  openMove(models) {
    this.move.choose(models);
    this.open(this.move);
  }

  close() {
    const closed = super.close();
    if (closed) this.move.choose([]);
    return closed;
  }

  /** Something of the library has changed. */
  touch() {
    this.staging.touch();
    this.collections.touch();
    this.collection.touch();
  }

  destroy() {
    this.collection.destroy();
  }

  /** @returns {import("../parts/menu.js").Entry[]} */
  menu() {
    return this.named.map(([text, sheet]) => ({ text, act: () => this.open(sheet) }));
  }
}
