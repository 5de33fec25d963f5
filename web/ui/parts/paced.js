/** Work that many changes ask for, done no more often than it can bear. */

/**
 * A function that does the work at once, and while it runs or rests notes that it is wanted again.
 *
 * It rests as long as `pause`, or as long as it took.
 * @param {() => Promise<unknown>} work must not reject
 * @param {number} pause milliseconds
 * @returns {{ask: () => void, stop: () => void}}
 */
export function paced(work, pause) {
  let busy = false;
  let wanted = false;
  let stopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const rested = () => {
    busy = false;
    if (wanted) run();
  };
  const run = async () => {
    busy = true;
    wanted = false;
    const began = performance.now();
    await work();
    if (!stopped) timer = setTimeout(rested, Math.max(pause, performance.now() - began));
  };
  return {
    ask: () => {
      wanted = true;
      if (!busy && !stopped) run();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
