/** Timers that a test runs itself, without waiting. */

interface FakeTimer {
  readonly delay: number;
  readonly run: () => void;
}

/** Replaces `setTimeout` until the running test has ended. Gives the timers that are set and not cleared. */
export function fakeTimers(cleanup: (undo: () => unknown) => void): ReadonlySet<FakeTimer> {
  const timers = new Set<FakeTimer>();
  const { setTimeout, clearTimeout } = globalThis;
  const fakes = {
    setTimeout: (run: () => void, delay: number) => {
      const timer = { delay, run };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer: FakeTimer) => void timers.delete(timer),
  };
  Object.assign(globalThis, fakes);
  cleanup(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  return timers;
}
