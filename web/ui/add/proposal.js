/** What an address would add, to be looked at and picked from before it is added. */

import { h } from "../parts/dom.js";
import { sizeText } from "../parts/figures.js";

/**
 * @typedef {object} Choice one file that could be added
 * @property {string} name
 * @property {string} file
 * @property {string | null} dest null: to be asked
 * @property {string | null} [category]
 * @property {number} size_bytes
 * @property {"present" | "missing" | "new"} status
 * @property {number} [version_id]
 * @property {string} [version_name]
 * @property {number | null} [file_id]
 * @property {string} [path]
 * @property {string} [base_model]
 * @property {string} [precision]
 * @property {string | null} [restricted] why it cannot be had
 */

/**
 * @typedef {object} Resolved
 * @property {"civitai" | "huggingface" | "url"} kind
 * @property {string} title
 * @property {string} [type]
 * @property {string} [author]
 * @property {Choice[]} choices
 * @property {number | null} selected
 * @property {string[]} folders
 */

/**
 * @typedef {{address: string, version_id?: number, file_id?: number, path?: string,
 *   dest?: string}} Picked
 */

const SITES = { civitai: "CivitAI", huggingface: "Hugging Face", url: "Address" };

/**
 * The versions that there are, each with its files, in the order of the server.
 * @param {Choice[]} choices
 * @returns {{name: string, choices: Choice[]}[]}
 */
export function byVersion(choices) {
  /** @type {Map<number | undefined, {name: string, choices: Choice[]}>} */
  const versions = new Map();
  for (const choice of choices) {
    const known = versions.get(choice.version_id);
    if (known) known.choices.push(choice);
    else versions.set(choice.version_id, { name: choice.version_name ?? "", choices: [choice] });
  }
  return [...versions.values()];
}

/**
 * What is sent for a choice. A folder is said only where it is another than the usual one.
 * @param {string} address
 * @param {Choice} choice
 * @param {string} dest
 * @returns {Picked}
 */
export function picked(address, choice, dest) {
  return {
    address,
    version_id: choice.version_id,
    file_id: choice.file_id ?? undefined,
    path: choice.path,
    dest: dest && dest !== choice.dest ? dest : undefined,
  };
}

/**
 * @param {string} address
 * @param {Resolved} resolved
 * @param {(picked: Picked, choice: Choice, get: boolean) => void} add
 * @param {() => void} dismiss
 * @param {() => void} sort let the file itself tell its folder
 */
export function proposal(address, resolved, add, dismiss, sort) {
  const versions = byVersion(resolved.choices);
  const first = resolved.choices[resolved.selected ?? 0];
  const version = select("Version", () => showFiles());
  const file = select("File", () => showChoice());
  const known = resolved.folders.map((value) => h("option", { value }));
  const folders = h("datalist", { id: "add-folders" }, ...known);
  const dest = h("input", {
    class: "field",
    type: "text",
    list: "add-folders",
    placeholder: "Folder, such as loras",
    "aria-label": "Folder below the models",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => showActs(),
  });
  const facts = h("p", { class: "hint" });
  const note = h("p", { class: "hint", role: "status" });
  const button = (/** @type {string} */ text, /** @type {() => void} */ act, main = "") =>
    h("button", { class: `button wide ${main}`, type: "button", onclick: act }, text);
  const both = button("Add and get", () => go(true), "main");
  const only = button("Add", () => go(false));
  const sorted = button("Get and sort", sort, "main");
  sorted.title = "Get it, and put it where what is in it belongs";
  const cancel = button("Cancel", dismiss);

  const chosen = () => versions[version.selectedIndex]?.choices[file.selectedIndex];
  const go = (/** @type {boolean} */ get) => {
    const choice = chosen();
    if (choice) add(picked(address, choice, dest.value.trim()), choice, get);
  };
  const showFiles = () => {
    const files = versions[version.selectedIndex]?.choices ?? [];
    file.replaceChildren(...files.map((choice) => h("option", {}, fileText(choice))));
    file.selectedIndex = Math.max(0, first ? files.indexOf(first) : 0);
    file.hidden = files.length < 2;
    showChoice();
  };
  const showChoice = () => {
    const choice = chosen();
    if (!choice) return;
    dest.value = choice.dest ?? "";
    facts.textContent = [
      resolved.type || SITES[resolved.kind],
      choice.base_model,
      choice.size_bytes ? sizeText(choice.size_bytes) : "",
      resolved.author ? `by ${resolved.author}` : "",
    ]
      .filter(Boolean)
      .join(" · ");
    showActs();
  };
  const showActs = () => {
    const choice = chosen();
    const where = dest.value.trim();
    const here = choice?.status === "present";
    only.hidden = choice?.status !== "new";
    both.textContent = choice?.status === "missing" ? "Get" : "Add and get";
    // Only a plain address says nothing of what it leads to.
    sorted.hidden = resolved.kind !== "url" || Boolean(where) || here || Boolean(choice?.restricted);
    both.hidden = here || !sorted.hidden;
    both.disabled = only.disabled = !where || Boolean(choice?.restricted);
    if (choice?.restricted) note.textContent = `Not offered for download: ${choice.restricted}`;
    else if (here) note.textContent = "It is here already.";
    else if (!where && !sorted.hidden) note.textContent = "Say in which folder it belongs, or let the file tell.";
    else if (!where) note.textContent = "Say in which folder it belongs.";
    else if (choice) {
      note.textContent = `Will lie in models/${where}/${choice.file}`;
      if (choice.status === "missing") note.textContent += ". It is in the catalog already.";
    }
  };

  version.replaceChildren(...versions.map(({ name }) => h("option", {}, name || resolved.title)));
  version.selectedIndex = Math.max(0, versions.findIndex(({ choices }) => first && choices.includes(first)));
  version.hidden = versions.length < 2;
  showFiles();
  return h(
    "section",
    { class: "proposal", "aria-label": "What will be added" },
    h("h2", {}, resolved.title),
    facts,
    version,
    file,
    dest,
    folders,
    note,
    h("div", { class: "field-row proposal-acts" }, both, sorted, only, cancel),
  );
}

/**
 * @param {string} label
 * @param {() => void} changed
 */
const select = (label, changed) => h("select", { class: "field", "aria-label": label, onchange: changed });

/** @param {Choice} choice */
function fileText(choice) {
  const size = choice.size_bytes ? sizeText(choice.size_bytes) : "";
  return [choice.path ?? choice.file, choice.precision, size].filter(Boolean).join(" · ");
}
