/** Shared by all tabs of the page: hears the changes once and passes them on. */

import { hear } from "./event-source.js";

/** @type {Set<MessagePort>} */
const ports = new Set();

/** @type {(() => void) | null} */
let stop = null;

/** @param {string} topic */
function tell(topic) {
  for (const port of ports) port.postMessage(topic);
}

self.addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  if (!port) return;
  port.onmessage = (message) => {
    if (message.data === "hello") {
      ports.add(port);
      stop ??= hear(new URL("../../events", import.meta.url).href, tell);
    } else {
      ports.delete(port);
      if (ports.size > 0) return;
      stop?.();
      stop = null;
    }
  };
});
