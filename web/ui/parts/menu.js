/** The few acts behind ⋯, and the choice of one thing out of many. */

import { h } from "./dom.js";

/** @typedef {{text: string, act?: () => unknown, href?: string, name?: string}} Entry */

/**
 * Show a menu below (or above) what it belongs to. Esc, a click elsewhere and a choice close it.
 * @param {Element} anchor
 * @param {Entry[]} entries
 */
export function openMenu(anchor, entries) {
  const menu = h("div", { class: "menu", role: "menu", popover: "auto" });
  for (const entry of entries) {
    const act = () => {
      menu.hidePopover();
      entry.act?.();
    };
    const shared = { class: "menu-entry", role: "menuitem", tabindex: "-1", onclick: act };
    menu.append(
      entry.href
        ? h(
            "a",
            { ...shared, href: entry.href, target: "_blank", rel: "noopener", download: entry.name },
            entry.text,
          )
        : h("button", { ...shared, type: "button" }, entry.text),
    );
  }
  menu.addEventListener("keydown", (event) => step(menu, event));
  showAt(menu, anchor);
  /** @type {HTMLElement | null} */ (menu.firstElementChild)?.focus();
}

/**
 * Put an element with `popover` beside its anchor, inside the window; it leaves the page when closed.
 * @param {HTMLElement} box
 * @param {Element} anchor
 */
export function showAt(box, anchor) {
  // While its entries were asked for, the place it belongs to may have gone.
  if (!anchor.isConnected) return;
  const home = anchor.closest("dialog, .panel") ?? anchor.getRootNode();
  const back = /** @type {Document | ShadowRoot} */ (anchor.getRootNode()).activeElement;
  /** @type {ParentNode} */ (home).append(box);
  box.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const inside = box.matches(":focus-within") || box.contains(document.activeElement);
    box.remove();
    if (inside && back instanceof HTMLElement) back.focus({ preventScroll: true });
  });
  box.showPopover();
  const at = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = box;
  const left = Math.min(at.right - offsetWidth, innerWidth - offsetWidth - 8);
  const below = at.bottom + 4 + offsetHeight <= innerHeight - 8;
  box.style.left = `${Math.max(8, at.left + offsetWidth <= innerWidth - 8 && left < 8 ? at.left : left)}px`;
  box.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - 4 - offsetHeight)}px`;
}

/**
 * @param {HTMLElement} menu
 * @param {KeyboardEvent} event
 */
function step(menu, event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  event.stopPropagation();
  if (!by) return;
  event.preventDefault();
  const entries = /** @type {HTMLElement[]} */ ([...menu.children]);
  const root = /** @type {Document | ShadowRoot} */ (menu.getRootNode());
  const at = entries.findIndex((entry) => entry === root.activeElement);
  entries[(at + by + entries.length) % entries.length]?.focus();
}
