/** Elements without markup: what comes from a server or a person only ever becomes text. */

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, unknown>} Props attributes, and listeners as `onclick` and so on
 */

/**
 * An element with its attributes, listeners and children.
 *
 * `false`, `null` and `undefined` leave an attribute or a child out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  fill(element, ...children);
  return element;
}

/**
 * Put these children in place of the ones an element has.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  const nodes = [];
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    nodes.push(child instanceof Node ? child : String(child));
  }
  element.replaceChildren(...nodes);
}

/**
 * Let these be the children. Those that are there already are not taken out and put in again: a
 * click would not count, and focus would be gone.
 * @param {Element} list
 * @param {Element[]} elements
 */
export function refill(list, elements) {
  const wanted = new Set(elements);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  elements.forEach((element, at) => {
    const there = list.children[at] ?? null;
    if (there !== element) list.insertBefore(element, there);
  });
}

/**
 * A file's name or place, that may go on in the next line after its separators.
 * @param {string} name alone or among other words
 */
export function fileName(name) {
  const parts = name.split(/(?<=[/\\_])/);
  return h("span", {}, ...parts.flatMap((part, at) => (at ? [h("wbr"), part] : [part])));
}

/**
 * The element that a key or paste event is really for, also from inside a shadow root.
 * @param {Event} event
 * @returns {Element | null}
 */
export function target(event) {
  const first = event.composedPath()[0];
  return first instanceof Element ? first : null;
}

/**
 * Whether a person is typing there.
 * @param {Element | null} element
 */
export function takesText(element) {
  if (!(element instanceof HTMLElement)) return false;
  return element.matches("input, textarea, select") || element.isContentEditable;
}

/** @type {Map<string, Promise<CSSStyleSheet[]>>} */
const sheets = new Map();
const IMPORT = /^@import "([^"]+)";$/gm;

/**
 * Load a style sheet, and those that it imports, into a shadow root; resolves when they apply.
 *
 * Constructed sheets, so that a panel that is opened again is styled in its first frame.
 * @param {ShadowRoot} root
 * @param {string} address
 */
export async function addStyles(root, address) {
  const loaded = sheets.get(address) ?? loadSheets(address);
  sheets.set(address, loaded);
  loaded.catch(() => sheets.delete(address));
  root.adoptedStyleSheets = await loaded;
}

/**
 * Constructed sheets import nothing themselves; mostly the server has put in what is imported.
 * @param {string} address
 * @returns {Promise<CSSStyleSheet[]>}
 */
async function loadSheets(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} for ${address}`);
  const text = await answer.text();
  const names = [...text.matchAll(IMPORT)].map(([, name = ""]) => name);
  const imported = await Promise.all(names.map((name) => loadSheets(new URL(name, address).href)));
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text.replaceAll(IMPORT, ""));
  return [...imported.flat(), sheet];
}
