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
    if (delay === 0) return onceAsked(callback, kind);
    const timer = setTimeout(callback, delay);
    if (kind === "background") timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Timers may run one right behind the other; before an immediate the system is asked for what has arrived. Not so on Bun
 * behind what was delivered itself: there it is asked before the next one.
 */
function onceAsked(callback: () => void, kind: "background" | undefined): () => void {
  let immediate: NodeJS.Immediate;
  const set = (run: () => void) => {
    immediate = setImmediate(run);
    if (kind === "background") immediate.unref();
  };
  set(() => set(callback));
  return () => clearImmediate(immediate);
}
