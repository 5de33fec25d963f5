/** What slides out below the head of the panel: one at a time, each by a button of its own. */

/**
 * @typedef {object} Drawer
 * @property {HTMLElement} element
 * @property {() => void} focus bring the keyboard into it
 * @property {() => unknown} [show] bring it up to date before it is seen
 */

export class Drawers {
  constructor() {
    /** @type {Map<Drawer, HTMLButtonElement>} */
    this.buttons = new Map();
  }

  /**
   * @param {Drawer} drawer
   * @param {HTMLButtonElement} button
   */
  add(drawer, button) {
    this.buttons.set(drawer, button);
    button.addEventListener("click", () => {
      if (drawer.element.hidden) this.open(drawer);
      else this.close();
    });
    this.#mark();
  }

  /** @param {Drawer} drawer */
  async open(drawer) {
    const already = !drawer.element.hidden;
    for (const each of this.buttons.keys()) each.element.hidden = each !== drawer;
    this.#mark();
    await drawer.show?.();
    if (!already) drawer.focus();
  }

  /** @returns {boolean} whether one was open */
  close() {
    const open = this.#opened();
    if (!open) return false;
    open.element.hidden = true;
    this.#mark();
    this.buttons.get(open)?.focus({ preventScroll: true });
    return true;
  }

  /**
   * One that lies over the list goes when something else is pointed at.
   * @param {PointerEvent} event
   */
  onPointer(event) {
    const over = this.#opened();
    if (!over || getComputedStyle(over.element).position !== "absolute") return;
    const own = [over.element, ...this.buttons.values()];
    if (!event.composedPath().some((each) => own.includes(/** @type {HTMLElement} */ (each)))) this.close();
  }

  #opened() {
    return [...this.buttons.keys()].find(({ element }) => !element.hidden);
  }

  #mark() {
    for (const [{ element }, button] of this.buttons) {
      button.setAttribute("aria-expanded", String(!element.hidden));
    }
  }
}
