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
    // Timers may run one right behind the other; before an immediate the system is asked for what has arrived.
    const timer = delay === 0 ? setImmediate(callback) : setTimeout(callback, delay);
    if (kind === "background") timer.unref();
    return () =>
      delay === 0 ? clearImmediate(timer as NodeJS.Immediate) : clearTimeout(timer as NodeJS.Timeout);
  },
};
