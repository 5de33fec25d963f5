/** The screens behind the gallery's ⋯, which take the place of the list. */

import { DiskSheet } from "../disk/disk-sheet.js";
import { AdoptSheet } from "../intake/adopt-sheet.js";
import { OwnSheet } from "../intake/own-sheet.js";
import { takeDrops } from "../parts/drop-zone.js";
import { Sheets } from "../parts/sheet.js";
import { kindOf } from "../uploads/files.js";

/** @typedef {import("../parts/sheet.js").Sheet} Sheet */

/**
 * @typedef {object} SheetActs
 * @property {import("../parts/notice.js").Notice} notice
 * @property {import("../data/jobs.js").Jobs} jobs
 * @property {() => void} opening another thing gives way
 * @property {(files: File[]) => void} upload what is no picture
 * @property {() => void} close
 * @property {() => void} collections show them
 * @property {() => number | undefined} model that is looked at
 * @property {() => import("../data/api.js").GalleryModel[]} models
 * @property {(level: number) => boolean} covers
 * @property {(id: number) => void} showModel
 * @property {(id: string) => void} open a picture
 */

export class GallerySheets extends Sheets {
  /**
   * @param {HTMLElement} list
   * @param {Sheet[]} others
   * @param {SheetActs} acts
   */
  constructor(list, others, acts) {
    const own = new OwnSheet(acts);
    const adopt = new AdoptSheet(acts);
    const disk = new DiskSheet(acts);
    super(list, [own, adopt, disk, ...others]);
    this.acts = acts;
    this.own = own;
    this.adopt = adopt;
    this.disk = disk;
    takeDrops(list, (files) => {
      const pictures = files.filter(({ name }) => ["image", "video"].includes(kindOf(name)));
      const others = files.filter((file) => !pictures.includes(file));
      if (pictures.length) {
        this.open(own);
        own.take(pictures);
      }
      if (others.length) acts.upload(others);
    });
  }

  /** @param {Sheet} sheet */
  open(sheet) {
    this.acts.opening();
    this.own.choose(this.acts.model());
    super.open(sheet);
  }

  /** @returns {import("../parts/menu.js").Entry[]} */
  menu() {
    return [
      { text: "Add own pictures …", act: () => this.open(this.own) },
      { text: "Adopt a Studio folder …", act: () => this.open(this.adopt) },
      { text: "Collections …", act: this.acts.collections },
      { text: "Disk space …", act: () => this.open(this.disk) },
    ];
  }
}
