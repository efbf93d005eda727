/** The bounds of an operation of several steps, as one signal for all of them. */
import type { Bounds } from "./bounds.js";

/** `dispose` it when the operation has ended, and neither a timer nor a listener is left. */
export class CancelScope {
  readonly #controller = new AbortController();
  readonly #stop: () => void;

  constructor(bounds: Bounds) {
    this.#stop = bounds.watch((reason) => this.#controller.abort(reason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  dispose(): void {
    this.#stop();
  }
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
