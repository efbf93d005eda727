/** A read that waits: until the next thing happens, and no longer than its bounds allow. */
import type { Bounds } from "../waiting/bounds.js";

export class PendingRead {
  readonly #bounds: Bounds | undefined;
  readonly #stopWatch: (() => void) | undefined;
  #resume: (() => void) | undefined;
  #fail: ((reason: unknown) => void) | undefined;
  #isCancelled = false;
  #reason: unknown;

  constructor(bounds?: Bounds) {
    this.#bounds = bounds;
    this.#stopWatch = bounds?.watch((reason) => this.cancel(reason));
  }

  /** Whether its bounds have ended it, even if it has not heard of that yet. Another read may then wait. */
  get isCancelled(): boolean {
    return this.#isCancelled || this.#bounds?.isAborted === true;
  }

  /** Resolves at the next `wake`, rejects when the bounds end it. Not called again before that. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resume = resolve;
      this.#fail = reject;
      if (this.#isCancelled) reject(this.#reason);
    });
  }

  wake(): void {
    this.#resume?.();
  }

  /** A read that was woken before its bounds ended it, and has not run yet, is cancelled too. */
  throwIfCancelled(): void {
    if (this.#isCancelled) throw this.#reason;
  }

  /** To be called when it has succeeded or failed: neither a timer nor a listener is left. */
  end(): void {
    this.#stopWatch?.();
  }

  /** For good. */
  cancel(reason: unknown): void {
    this.#isCancelled = true;
    this.#reason = reason;
    this.#fail?.(reason);
  }
}
