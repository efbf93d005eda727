/** What bounds a wait: the caller's signal, and a limit of time. */
import { checkOptions, checkSignal, checkTimeout } from "../checks.js";
import { TimeoutError } from "../errors.js";
import type { Clock } from "./clock.js";
import { watchSignal } from "./signal-watch.js";

/** What every method that waits takes. */
export interface WaitOptions {
  /** Aborted, now or before, it ends the wait: the call rejects with its reason. No listener is left on it. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, in ms; after that the call rejects with a TimeoutError. Default: no limit. */
  readonly timeout?: number | undefined;
}

const NAMES = ["signal", "timeout"] as const;

/** The bounds of one call that waits. */
export class Bounds {
  readonly #method: string;
  readonly #signal: AbortSignal | undefined;
  readonly #timeout: number | undefined;
  readonly #clock: Clock;

  /**
   * `method` is named in the TimeoutError.
   *
   * @throws TypeError or RangeError for wrong options
   */
  constructor(method: string, { signal, timeout }: WaitOptions, clock: Clock) {
    this.#method = method;
    this.#signal = signal === undefined ? undefined : checkSignal(signal);
    this.#timeout = timeout === undefined ? undefined : checkTimeout("timeout", timeout);
    this.#clock = clock;
  }

  /**
   * Those of a method that has no options besides; `undefined` for none. A loop makes them once, and asks before each step
   * whether the signal is aborted.
   *
   * @throws TypeError or RangeError for wrong options
   */
  static from(method: string, options: WaitOptions | undefined, clock: Clock): Bounds | undefined {
    if (options === undefined) return undefined;
    return new Bounds(method, checkOptions<WaitOptions>(`${method}()`, options, NAMES), clock);
  }

  /** As `from`, for one call. @throws the reason of an aborted signal too */
  static of(method: string, options: WaitOptions | undefined, clock: Clock): Bounds | undefined {
    const bounds = Bounds.from(method, options, clock);
    bounds?.throwIfAborted();
    return bounds;
  }

  /** Whether the signal is aborted. Watches hear of it later: other listeners may run before. */
  get isAborted(): boolean {
    return this.#signal?.aborted ?? false;
  }

  throwIfAborted(): void {
    this.#signal?.throwIfAborted();
  }

  /**
   * Calls `end` with the reason when the wait has to end, at most once; before it returns, if the signal is aborted
   * already. What it returns ends the watch: then neither timer nor listener is left.
   */
  watch(end: (reason: unknown) => void): () => void {
    const signal = this.#signal;
    const timeout = this.#timeout;
    if (signal?.aborted) {
      end(signal.reason);
      return () => {};
    }
    let ignoreSignal: (() => void) | undefined;
    let cancelTimer: (() => void) | undefined;
    const stop = () => {
      ignoreSignal?.();
      cancelTimer?.();
    };
    const endWith = (reason: unknown) => {
      stop();
      end(reason);
    };
    if (signal !== undefined) ignoreSignal = watchSignal(signal, () => endWith(signal.reason));
    if (timeout !== undefined) {
      cancelTimer = this.#clock.setTimer(timeout, () =>
        endWith(new TimeoutError(`${this.#method}() did not end within ${timeout} ms`)),
      );
    }
    return stop;
  }
}
