/** Time, as a backend gives it: the real one, or one that a test moves. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /**
   * Runs `callback` once, after `delay` ms, unless the returned function is called before; for 0, after what has arrived
   * by now. The process waits for it, but not for a `"background"` one.
   */
  setTimer(delay: number, callback: () => void, kind?: "background"): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delay, callback, kind) {
    if (delay === 0) return onceAsked(callback);
    const timer = setTimeout(callback, delay);
    if (kind === "background") timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Timers may run one right behind the other; before an immediate the system is asked for what has arrived. On Bun, behind what
 * was delivered itself, only before the next one, and on Deno before any timer, but not before each immediate. The process
 * waits for these turns also in the background: for an immediate that it does not wait for, the event loop does not turn.
 */
function onceAsked(callback: () => void): () => void {
  let immediate: NodeJS.Immediate;
  const timer = setTimeout(() => {
    immediate = setImmediate(() => {
      immediate = setImmediate(callback);
    });
  }, 0);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
