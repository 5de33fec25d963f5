/** The server's stream of changes, opened again for as long as somebody listens. */

export const TOPICS = ["gallery", "catalog", "transfers", "jobs", "library", "trash", "settings", "uploads", "reset"];

const AGAIN_AFTER = 5000;

/**
 * Call `listener` with the topic of every change; returns the undo.
 *
 * The browser itself comes back after a lost connection and says what it heard last. After a
 * refusal (no key yet, server starting) it gives up, and we don't; `reset` then stands for all
 * that was missed.
 * @param {string} address
 * @param {(topic: string) => void} listener
 * @returns {() => void}
 */
export function hear(address, listener) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {EventSource} */
  let source;
  const open = (/** @type {boolean} */ again) => {
    source = new EventSource(address);
    for (const topic of TOPICS) source.addEventListener(topic, () => listener(topic));
    source.onopen = () => {
      if (again) listener("reset");
      again = false;
    };
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(() => open(true), AGAIN_AFTER);
    };
  };
  open(false);
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
