/** What bounds a wait: the caller's signal, and a limit of time. */
import { checkOptions, checkSignal, checkTimeout } from "../checks.js";
import { TimeoutError } from "../errors.js";
import type { Clock } from "./clock.js";

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

  /** Those of a method that has no options besides; `undefined` for none. @throws the reason of an aborted signal */
  static of(method: string, options: WaitOptions | undefined, clock: Clock): Bounds | undefined {
    if (options === undefined) return undefined;
    const bounds = new Bounds(method, checkOptions<WaitOptions>(`${method}()`, options, NAMES), clock);
    bounds.throwIfAborted();
    return bounds;
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
    let cancelTimer = (): void => {};
    const stop = (): void => {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      stop();
      end(signal!.reason);
    };
    if (signal?.aborted) {
      onAbort();
      return stop;
    }
    signal?.addEventListener("abort", onAbort);
    if (timeout !== undefined) {
      cancelTimer = this.#clock.setTimer(timeout, () => {
        stop();
        end(new TimeoutError(`${this.#method}() did not end within ${timeout} ms`));
      });
    }
    return stop;
  }
}
