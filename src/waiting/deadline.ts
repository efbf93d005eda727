/** One limit of time for a whole exchange of several calls. */
import { checkTimeout } from "../checks.js";
import { TimeoutError } from "../errors.js";
import { systemClock, type Clock } from "./clock.js";

/** A limit that several calls share, by its signal. */
export interface Deadline extends Disposable {
  /** Aborts with a TimeoutError when the limit has passed. */
  readonly signal: AbortSignal;
  /**
   * Moves the limit by `ms` to a later moment, also for calls that wait. Returns whether it did: not when the limit has
   * passed, or the deadline was disposed.
   *
   * @throws TypeError or RangeError unless `ms` is a number above 0, and the limit then at most 2^31-1 ms away
   */
  extend(ms: number): boolean;
  /** Takes the limit away; no timer is left. Idempotent. */
  [Symbol.dispose](): void;
}

/**
 * Sets a limit of `ms` milliseconds from now, for all that is given its signal.
 *
 * ```ts
 * using limit = deadline(5_000);
 * const greeting = await reader.readLine({ signal: limit.signal });
 * writer.write("HELLO\n");
 * const answer = await reader.readLine({ signal: limit.signal });
 * ```
 *
 * The timer keeps the process alive until the limit passes or it is disposed.
 *
 * @throws TypeError or RangeError unless `ms` is a number above 0 and at most 2^31-1
 */
export function deadline(ms: number): Deadline {
  return deadlineOn(systemClock, ms);
}

/** As `deadline`, by any clock. */
export function deadlineOn(clock: Clock, ms: number): Deadline {
  const controller = new AbortController();
  const start = clock.now();
  let limit = checkTimeout("deadline", ms);
  const setTimer = (delay: number) =>
    clock.setTimer(delay, () => {
      cancelTimer = undefined;
      controller.abort(new TimeoutError(`The deadline of ${limit} ms has passed`));
    });
  let cancelTimer: (() => void) | undefined = setTimer(limit);
  return {
    signal: controller.signal,
    extend(by) {
      checkTimeout("extend", by);
      if (cancelTimer === undefined) return false;
      const delay = Math.ceil(start + limit + by - clock.now());
      if (delay <= 0) return false;
      checkTimeout("the time to the extended deadline", delay);
      limit += by;
      cancelTimer();
      cancelTimer = setTimer(delay);
      return true;
    },
    [Symbol.dispose]() {
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
