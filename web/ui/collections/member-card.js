/** One model or picture of a collection; all cards have one shape. */

import { coveredWords, describe } from "../gallery/card.js";
import { titleOf, typeName } from "../models/names.js";
import { placeholder } from "../models/placeholder.js";
import { iconButton, whileBusy } from "../parts/buttons.js";
import { fill, h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";

/**
 * @typedef {import("../data/collection-calls.js").Member} Member
 *
 * @typedef {object} MemberActs
 * @property {(member: Member) => {sign: import("../parts/icons.js").IconName, text: string,
 *   short: string, run: () => Promise<unknown>} | null} main the one act that stands out
 * @property {(member: Member) => {address: string, covered: boolean}} face
 * @property {(member: Member) => void} open
 * @property {(member: Member, anchor: Element) => void} more
 */

/**
 * What it is called.
 * @param {Member} member
 */
export function memberName({ kind, model, picture }) {
  if (model) return titleOf(model);
  if (picture) return describe(picture);
  return kind === "model" ? "A model that is no longer here" : "A picture that is no longer here";
}

export class MemberCard {
  /**
   * @param {Member} member
   * @param {MemberActs} acts
   */
  constructor(member, acts) {
    this.member = member;
    this.acts = acts;
    this.address = "";
    /** An address without a picture is not asked again at each redraw. */
    this.broken = "";
    this.image = h("img", {
      class: "card-image",
      alt: "",
      decoding: "async",
      loading: "lazy",
      draggable: "false",
      hidden: true,
      onload: () => this.element.classList.add("has-image"),
      onerror: () => {
        this.broken = this.address;
        this.#setImage("");
        this.#drawFace();
      },
    });
    this.face = h("span", { class: "model-face", "aria-hidden": "true" });
    this.words = h("span", { class: "model-words" });
    this.sign = h("span", { class: "card-badge" });
    this.element = h(
      "div",
      { class: "model-card member", role: "listitem", tabindex: "-1", draggable: "true" },
      this.face,
      this.image,
      this.words,
      this.sign,
    );
    for (const kind of ["pointerenter", "focusin"]) this.element.addEventListener(kind, () => this.#offerActs());
    this.element.addEventListener("click", (event) => {
      if (!(event.target instanceof Element) || !event.target.closest("button")) acts.open(this.member);
    });
    this.element.addEventListener("contextmenu", (event) => {
      // A long press; with a mouse the browser's own menu is worth more.
      if (!(event instanceof PointerEvent) || event.pointerType !== "touch") return;
      event.preventDefault();
      acts.more(this.member, this.element);
    });
    this.show(member);
  }

  /** @param {Member} member */
  show(member) {
    const { model, picture } = member;
    const gone = !model && !picture;
    this.member = member;
    const { address, covered } = this.acts.face(member);
    this.element.classList.toggle("is-covered", covered);
    this.element.classList.toggle("is-gone", gone || model?.status === "missing");
    this.element.setAttribute("aria-label", covered && picture ? coveredWords(picture) : memberName(member));
    this.#setImage(address);
    this.#drawFace();
    const named = model || gone;
    this.words.hidden = !named;
    fill(
      this.words,
      h("span", { class: "model-name" }, named ? memberName(member) : ""),
      model && h("span", { class: "model-about" }, [typeName(model.type), model.base_model].filter(Boolean).join(" · ")),
    );
    const video = picture?.meta.type === "video";
    this.sign.hidden = !video;
    fill(this.sign, video && icon("video"));
    this.#drawActs();
  }

  /** What stands there without a picture. */
  #drawFace() {
    const { model, picture } = this.member;
    const sign = model ? placeholder(titleOf(model)) : icon(picture ? "image" : "warning");
    fill(this.face, !this.address && sign);
  }

  /** The buttons come with the first visit: a page of cards has hundreds of them otherwise. */
  #offerActs() {
    if (this.bar) return;
    this.bar = h("span", { class: "model-acts" });
    this.element.append(this.bar);
    this.#drawActs();
  }

  #drawActs() {
    if (!this.bar || this.bar.matches(":focus-within")) return;
    const main = this.acts.main(this.member);
    const more = iconButton("more", "More", () => this.acts.more(this.member, more), "card-act");
    fill(this.bar, main && this.#mainButton(main), h("span", { class: "spacer" }), more);
  }

  /** @param {NonNullable<ReturnType<MemberActs["main"]>>} main */
  #mainButton({ sign, text, short, run }) {
    const button = h(
      "button",
      {
        class: "card-act main",
        type: "button",
        title: text,
        "aria-label": text,
        onclick: () => whileBusy(button, run),
      },
      icon(sign),
      h("span", {}, short),
    );
    return button;
  }

  /** @param {string} address */
  #setImage(address) {
    if (address === this.broken) address = "";
    if (address === this.address) return;
    this.address = address;
    this.element.classList.remove("has-image");
    this.image.hidden = !address;
    if (address) this.image.src = address;
    else this.image.removeAttribute("src");
  }
}
