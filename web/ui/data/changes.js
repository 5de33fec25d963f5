/** Changes, as the page without ComfyUI hears them: one connection for all tabs. */

import { api } from "./api.js";
import { TOPICS, hear } from "./event-source.js";

/**
 * Call `listener` with the topic of every change; returns the undo.
 *
 * A browser keeps few connections to a host open, so tabs share one through a shared worker;
 * where there is none, this tab has its own.
 * @param {(topic: string) => void} listener
 * @returns {() => void}
 */
export function listenToServer(listener) {
  if (typeof SharedWorker === "undefined") return hear(api.events, listener);
  const worker = new SharedWorker(new URL("changes-worker.js", import.meta.url), {
    type: "module",
    name: "curator-changes",
  });
  worker.port.onmessage = (event) => {
    const topic = String(event.data);
    if (TOPICS.includes(topic)) listener(topic);
  };
  const hello = () => worker.port.postMessage("hello");
  const bye = () => worker.port.postMessage("bye");
  const back = (/** @type {PageTransitionEvent} */ event) => {
    if (!event.persisted) return;
    hello();
    listener("reset");
  };
  hello();
  // A worker is not told when one of its pages goes.
  addEventListener("pagehide", bye);
  addEventListener("pageshow", back);
  return () => {
    removeEventListener("pagehide", bye);
    removeEventListener("pageshow", back);
    bye();
    worker.port.close();
  };
}
