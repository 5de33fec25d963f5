/** Curator in ComfyUI's page: a tab in the sidebar, pictures and models into nodes, workflows into tabs. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

/**
 * @typedef {import("../../scripts/app.js").GraphNode} GraphNode
 * @typedef {import("../../scripts/app.js").Widget} Widget
 * @typedef {{filename: string, subfolder: string, type: string}} InputFile
 * @typedef {{nodes: string[], widget: string, file: string, numbers?: Record<string, number>}} Loading
 */

const SCREENS = api.apiURL("/admin/ui/app.js");
const LOADERS = ["LoadImage", "LoadImageMask"];

// The page complains of messages that nobody listens to, and the tab may not be open yet.
api.addEventListener("curator.changed", () => {});

/** @type {{place: HTMLElement, removal: Promise<() => void>} | null} */
let mounted = null;

app.registerExtension({
  name: "Curator",
  setup() {
    app.extensionManager.registerSidebarTab({
      id: "curator",
      icon: "pi pi-images",
      title: "Curator",
      tooltip: "Curator: your gallery",
      type: "custom",
      render: show,
      destroy: remove,
    });
  },
});

/**
 * The page calls this again whenever it redraws the tab, with the same element.
 * @param {HTMLElement} place
 */
function show(place) {
  if (mounted?.place === place && place.childElementCount) return;
  remove();
  place.style.height = "100%";
  mounted = { place, removal: mountScreens(place, SCREENS) };
}

function remove() {
  mounted?.removal.then((undo) => undo());
  mounted = null;
}

/**
 * @param {HTMLElement} place
 * @param {string} address
 * @returns {Promise<() => void>}
 */
async function mountScreens(place, address) {
  try {
    const { mount } = await import(address);
    return await mount(place, { listen, loadInWorkflow, openWorkflow, addModel });
  } catch (error) {
    console.error("Curator's screens could not be loaded", error);
    showFailure(place);
    return () => place.replaceChildren();
  }
}

/** @param {HTMLElement} place */
function showFailure(place) {
  const text = document.createElement("p");
  text.textContent = "Curator's server part does not answer. ComfyUI's log says why.";
  text.style.cssText = "padding: 12px; color: var(--fg-color); font-size: 13px";
  const retry = document.createElement("button");
  retry.textContent = "Retry";
  retry.style.cssText = "margin: 0 12px; padding: 4px 12px";
  retry.onclick = () => {
    // Browsers remember a module that could not be loaded, so it is asked for by another name.
    mounted = { place, removal: mountScreens(place, `${SCREENS}?again=${Date.now()}`) };
  };
  place.replaceChildren(text, retry);
}

/**
 * Over ComfyUI's websocket comes only what has changed; after a lost connection anything may have.
 * @param {(topic: string) => void} listener
 */
function listen(listener) {
  const changed = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    listener(String(detail?.topic ?? "reset"));
  };
  const reset = () => listener("reset");
  api.addEventListener("curator.changed", changed);
  api.addEventListener("reconnected", reset);
  return () => {
    api.removeEventListener("curator.changed", changed);
    api.removeEventListener("reconnected", reset);
  };
}

/**
 * Set a file in the selected LoadImage node, or in a new one in the middle of what is seen.
 * @param {InputFile} file
 * @returns {Promise<string>} what has been done
 */
async function loadInWorkflow(file) {
  const { canvas } = app;
  const selected = Object.values(canvas.selected_nodes ?? {}).find(imageWidget);
  canvas.emitBeforeChange?.();
  try {
    const node = selected ?? addNode("LoadImage");
    setFile(node, file.subfolder ? `${file.subfolder}/${file.filename}` : file.filename);
    return selected
      ? `In ${node.title || "Load Image"} #${node.id}: ${file.filename}`
      : `In a new Load Image node: ${file.filename}`;
  } finally {
    canvas.emitAfterChange?.();
    canvas.setDirty(true, true);
  }
}

/**
 * Open a graph in a tab of its own, as if its file had been dropped: the page knows both forms.
 * @param {string} workflow a workflow or an API graph, as JSON
 * @param {string} name of the file, and so of the tab
 * @returns {Promise<string>} what has been done
 */
async function openWorkflow(workflow, name) {
  await app.handleFile(new File([workflow], name, { type: "application/json" }));
  return `In a new tab: ${name.replace(/\.json$/, "")}`;
}

/**
 * Set a model in the selected node that loads its kind, or in a new one; a LoRA that a node of the
 * workflow loads already gets its strength there.
 * @param {Loading} loading
 * @returns {Promise<string>} what has been done
 */
async function addModel({ nodes, widget, file, numbers }) {
  const { canvas } = app;
  const loads = (/** @type {GraphNode} */ node) => nodes.includes(kindOf(node));
  const holds = (/** @type {GraphNode} */ node) => same(widgetOf(node, widget)?.value, file);
  const known = numbers && (canvas.graph.nodes ?? []).find((node) => loads(node) && holds(node));
  const found = known ?? Object.values(canvas.selected_nodes ?? {}).find(loads);
  canvas.emitBeforeChange?.();
  try {
    const node = found ?? addNode(nodes[0] ?? "");
    setListed(node, widget, file);
    for (const [name, value] of Object.entries(numbers ?? {})) setValue(widgetOf(node, name), value);
    const short = file.slice(file.lastIndexOf("/") + 1);
    const place = `${node.title || kindOf(node)} #${node.id}`;
    return found ? `In ${place}: ${short}` : `In a new node, ${place}: ${short}`;
  } finally {
    canvas.emitAfterChange?.();
    canvas.setDirty(true, true);
  }
}

/** @param {GraphNode} node */
const kindOf = (node) => String(node.comfyClass ?? node.type);

/**
 * @param {GraphNode} node
 * @param {string} name
 */
const widgetOf = (node, name) => node.widgets?.find((widget) => widget.name === name);

/**
 * Whether two names mean one file; on Windows ComfyUI lists them with backslashes.
 * @param {unknown} one
 * @param {string} other
 */
const same = (one, other) => String(one).replaceAll("\\", "/") === other;

/**
 * The widget that holds the name of a picture; undefined for nodes that load none.
 * @param {GraphNode} node
 * @returns {Widget | undefined}
 */
function imageWidget(node) {
  return LOADERS.includes(kindOf(node)) ? widgetOf(node, "image") : undefined;
}

/**
 * @param {GraphNode} node
 * @param {string} name
 */
const setFile = (node, name) => setListed(node, "image", name);

/**
 * Choose a file in a widget that lists them.
 * @param {GraphNode} node
 * @param {string} name of the widget
 * @param {string} file
 */
function setListed(node, name, file) {
  const widget = widgetOf(node, name);
  if (!widget) throw new Error(`node ${node.id} has no widget ${name}`);
  // The page lists the folder only when it is loaded; a name that is not listed counts as invalid.
  const values = widget.options?.values;
  const listed = Array.isArray(values) ? values.find((value) => same(value, file)) : undefined;
  if (Array.isArray(values) && listed === undefined) values.push(file);
  setValue(widget, listed ?? file);
}

/**
 * @param {Widget | undefined} widget
 * @param {string | number} value
 */
function setValue(widget, value) {
  if (!widget) return;
  widget.value = value;
  widget.callback?.(value);
}

/**
 * A new node in the middle of what is seen, selected.
 * @param {string} type
 * @returns {GraphNode}
 */
function addNode(type) {
  const { canvas } = app;
  const node = window.LiteGraph.createNode(type);
  if (!node) throw new Error(`This ComfyUI has no ${type} node.`);
  const [x, y] = middle();
  node.pos = [x - node.size[0] / 2, y - node.size[1] / 2];
  canvas.graph.add(node);
  canvas.deselectAll?.();
  canvas.select?.(node);
  return node;
}

/**
 * The middle of the canvas that the sidebar leaves free, in the units of the graph.
 * @returns {[number, number]}
 */
function middle() {
  const { canvas, ds } = app.canvas;
  const whole = canvas.getBoundingClientRect();
  const panel = mounted?.place.getBoundingClientRect();
  let { left, right } = whole;
  if (panel?.width) {
    if (panel.left + panel.right < whole.left + whole.right) left = Math.max(left, panel.right);
    else right = Math.min(right, panel.left);
  }
  const x = (left + right) / 2 - whole.left;
  const y = whole.height / 2;
  return [x / ds.scale - ds.offset[0], y / ds.scale - ds.offset[1]];
}
