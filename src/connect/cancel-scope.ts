/** What may end an operation early: the caller's signal, and a limit of time. */
import { TimeoutError } from "../errors.js";
import type { Clock } from "../transport/clock.js";

export interface CancelOptions {
  readonly signal?: AbortSignal | undefined;
  /** In ms. */
  readonly timeout?: number | undefined;
}

/** One signal for both. `dispose` it when the operation has ended, and neither a timer nor a listener is left. */
export class CancelScope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #cancelTimer: () => void;

  /** `method` is named in the TimeoutError. */
  constructor(method: string, { signal, timeout }: CancelOptions, clock: Clock) {
    this.#outer = signal;
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    this.#cancelTimer =
      timeout === undefined
        ? () => {}
        : clock.setTimer(timeout, () => {
            this.#controller.abort(new TimeoutError(`${method}() did not end within ${timeout} ms`));
          });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  dispose(): void {
    this.#cancelTimer();
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#outer!.reason);
}

/** As `promise`, but rejects with the signal's reason once that is aborted. What `promise` gives then is dropped. */
export function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
