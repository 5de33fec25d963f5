/** The settings a person changes here: keys for upstream, and the key of the door. */

import { ApiError, api, words } from "../data/api.js";
import { LEVELS } from "../gallery/levels.js";
import { fill, h } from "../parts/dom.js";

/** @typedef {import("../data/api.js").Facts} Facts */

/**
 * @typedef {object} Appearance the page's own choice of colours; none inside ComfyUI
 * @property {() => string} current
 * @property {(theme: string) => void} choose
 */

export class SettingsPanel {
  /** @param {{copy: (text: string) => void, appearance?: Appearance}} acts */
  constructor(acts) {
    this.acts = acts;
    this.element = h("section", { class: "drawer settings", "aria-label": "Settings", hidden: true });
  }

  focus() {
    this.element.querySelector("input")?.focus();
  }

  /** Read the settings anew; a field that somebody types in is not taken away. */
  async show() {
    if (this.element.querySelector("input:focus")) return;
    try {
      this.#draw(await api.settings());
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      fill(
        this.element,
        h("p", { class: "problem", role: "alert" }, words(error)),
        h("button", { class: "button", type: "button", onclick: () => this.show() }, "Retry"),
      );
    }
  }

  /** @param {Facts} settings */
  #draw(settings) {
    const fixed = Array.isArray(settings.fixed) ? settings.fixed : [];
    fill(
      this.element,
      this.#secret("civitai_key", "CivitAI key", "For what CivitAI shows only to its users.", settings, fixed),
      this.#secret("huggingface_token", "Hugging Face token", "For gated repositories.", settings, fixed),
      this.#level("nsfw_blur_from", "Blur pictures", LEVELS.slice(0, 5), settings, fixed),
      this.#level("nsfw_hide_from", "Leave pictures out", LEVELS.slice(1, 5), settings, fixed),
      this.#requireKey(settings, fixed),
      typeof settings.access_key === "string" && this.#accessKey(settings.access_key, settings),
      this.acts.appearance && this.#appearance(this.acts.appearance),
    );
  }

  /**
   * A secret goes in and never comes out: only whether it is set is shown.
   * @param {string} name
   * @param {string} label
   * @param {string} hint
   * @param {Facts} settings
   * @param {unknown[]} fixed
   */
  #secret(name, label, hint, settings, fixed) {
    const set = Boolean(settings[`${name}_set`]);
    const locked = fixed.includes(name);
    const field = h("input", {
      class: "field",
      type: "password",
      id: name,
      autocomplete: "off",
      placeholder: set ? "Paste another one" : "Paste it here",
      disabled: locked,
    });
    const problem = h("p", { class: "problem", role: "alert" });
    const save = (/** @type {string} */ value) => this.#save({ [name]: value }, problem);
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (field.value.trim()) save(field.value.trim());
    };
    return h(
      "form",
      { class: "setting", onsubmit: submit },
      h(
        "label",
        { for: name },
        label,
        h("span", { class: `mark ${set ? "is-set" : ""}` }, set ? "set" : "not set"),
      ),
      h(
        "div",
        { class: "field-row" },
        field,
        !locked && h("button", { class: "button", type: "submit" }, "Save"),
        set &&
          !locked &&
          h("button", { class: "button", type: "button", onclick: () => save("") }, "Remove"),
      ),
      h("p", { class: "hint" }, locked ? FIXED : hint),
      problem,
    );
  }

  /**
   * From which of CivitAI's levels on something is done.
   * @param {string} name
   * @param {string} label
   * @param {readonly (readonly [number, string])[]} levels
   * @param {Facts} settings
   * @param {unknown[]} fixed
   */
  #level(name, label, levels, settings, fixed) {
    const problem = h("p", { class: "problem", role: "alert" });
    /** @type {[string, string][]} */
    const choices = levels.map(([level, text]) => [String(level), `${text} and above`]);
    const select = h(
      "select",
      {
        class: "field",
        id: name,
        disabled: fixed.includes(name),
        onchange: () => this.#save({ [name]: Number(select.value) }, problem),
      },
      ...options(String(settings[name] ?? 0), [["0", "None of them"], ...choices]),
    );
    return h("div", { class: "setting" }, h("label", { for: name }, label), select, problem);
  }

  /**
   * @param {Facts} settings
   * @param {unknown[]} fixed
   */
  #requireKey(settings, fixed) {
    const locked = fixed.includes("require_key");
    const now = settings.require_key === null ? "" : String(Boolean(settings.require_key));
    const problem = h("p", { class: "problem", role: "alert" });
    const choose = () =>
      this.#save({ require_key: select.value === "" ? null : select.value === "true" }, problem);
    const select = h(
      "select",
      { class: "field", id: "require_key", disabled: locked, onchange: choose },
      ...options(now, [
        ["", "Where others can reach this server"],
        ["true", "Always, also on this machine"],
        ["false", "Never on this machine"],
      ]),
    );
    const asked = settings.require_key_now ? "asked of everyone now" : "not asked on this machine now";
    return h(
      "div",
      { class: "setting" },
      h("label", { for: "require_key" }, "Ask for the key", h("span", { class: "mark" }, asked)),
      select,
      h("p", { class: "hint" }, locked ? FIXED : "Turn it on when a proxy stands before this server."),
      problem,
    );
  }

  /**
   * @param {string} key
   * @param {Facts} settings
   */
  #accessKey(key, settings) {
    const field = h("input", { class: "field", type: "password", id: "access_key", readonly: true });
    field.value = key;
    const show = h(
      "button",
      {
        class: "button",
        type: "button",
        onclick: () => {
          const hidden = field.type === "password";
          field.type = hidden ? "text" : "password";
          show.textContent = hidden ? "Hide" : "Show";
        },
      },
      "Show",
    );
    const file = typeof settings.access_key_file === "string" ? settings.access_key_file : "";
    return h(
      "div",
      { class: "setting" },
      h("label", { for: "access_key" }, "Key of this server"),
      h(
        "div",
        { class: "field-row" },
        field,
        show,
        h("button", { class: "button", type: "button", onclick: () => this.acts.copy(key) }, "Copy"),
      ),
      h("p", { class: "hint" }, "Other machines and the browser extension show it. ", h("code", {}, file)),
    );
  }

  /** @param {Appearance} appearance */
  #appearance(appearance) {
    const select = h(
      "select",
      { class: "field", id: "appearance", onchange: () => appearance.choose(select.value) },
      ...options(appearance.current(), [
        ["", "Like the system"],
        ["dark", "Dark"],
        ["light", "Light"],
      ]),
    );
    return h("div", { class: "setting" }, h("label", { for: "appearance" }, "Colours"), select);
  }

  /**
   * @param {Facts} changes
   * @param {HTMLElement} problem
   */
  async #save(changes, problem) {
    problem.textContent = "";
    try {
      this.#draw(await api.changeSettings(changes));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      problem.textContent = words(error);
    }
  }
}

const FIXED = "Set by a flag or the environment of the server.";

/**
 * @param {string} now
 * @param {[string, string][]} choices
 */
function options(now, choices) {
  return choices.map(([value, text]) => h("option", { value, selected: value === now }, text));
}
