/** Time, as a backend gives it: the real one, or one that a test moves. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /**
   * Runs `callback` once, after `delay` ms, unless the returned function is called before. The process waits for it, but
   * not for a `"background"` one.
   */
  setTimer(delay: number, callback: () => void, kind?: "background"): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delay, callback, kind) {
    const timer = setTimeout(callback, delay);
    if (kind === "background") timer.unref();
    return () => clearTimeout(timer);
  },
};
