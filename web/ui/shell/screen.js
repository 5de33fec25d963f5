/** What a tab of the panel has to offer, and what it gets. */

/**
 * What differs between ComfyUI's sidebar and a page of our own.
 * @typedef {object} Surroundings
 * @property {(listener: (topic: string) => void) => () => void} listen to changes, until undone
 * @property {((file: import("../data/api.js").InputFile) => Promise<string>) | undefined}
 *   [loadInWorkflow] puts a file of the input folder into a node and says which
 * @property {(workflow: string, name: string) => Promise<string>} [openWorkflow] as JSON
 *   opens a graph in a tab of its own and says so
 * @property {(loading: import("../models/loaders.js").Loading) => Promise<string>} [addModel] puts
 *   a model into a node that loads it and says which
 * @property {import("../settings/settings-panel.js").Appearance} [appearance]
 * @property {boolean} [whole] the panel is the whole page
 */

/**
 * What the panel does for its screens.
 * @typedef {object} Shell
 * @property {Surroundings} surroundings
 * @property {import("../parts/notice.js").Notice} notice
 * @property {import("../data/jobs.js").Jobs} jobs every long work, kept fresh
 * @property {import("../wanted/catalog.js").Catalog} catalog kept fresh for every screen
 * @property {import("../wanted/entry-acts.js").Acts} entryActs
 * @property {(text: string) => void} copy
 * @property {(address?: string) => void} add open the drawer for addresses, and look one up
 * @property {(id: string) => void} picture show one in the gallery
 * @property {(id: string) => void} collection open one
 * @property {() => void} collections show all of them
 * @property {(files: File[]) => void} upload ask what they are, and upload them
 * @property {(modelId: number) => void} pictures show a model's gallery
 * @property {() => void} settings open the settings
 * @property {() => void} unlocked the key was right: everything is read anew
 */

/**
 * One tab. Its element has `role="tabpanel"` and the id `screen-<name>`; element and search are
 * shown and hidden by the panel.
 * @typedef {object} Screen
 * @property {string} name never renamed: the last tab is remembered by it
 * @property {string} title
 * @property {HTMLElement} element
 * @property {HTMLElement} search stands in the head of the panel
 * @property {HTMLInputElement} field the text field of the search
 * @property {HTMLElement} [count] stands beside the title
 * @property {() => void} start read what is shown; again after the door was opened
 * @property {() => void} shown it is looked at from now on
 * @property {(topic: string) => void} hear something has changed
 * @property {() => boolean} close whether there was something to close
 * @property {() => void} focusSearch
 * @property {() => void} [focusList] bring the keyboard to the list
 * @property {() => void} destroy
 */

export {};
