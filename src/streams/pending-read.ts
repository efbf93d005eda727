/** A read that waits: until the next thing happens, and no longer than its bounds allow. */
export class PendingRead {
  #resume: (() => void) | undefined;
  #fail: ((reason: unknown) => void) | undefined;
  #isCancelled = false;
  #reason: unknown;

  /** Resolves at the next `wake`, rejects at `cancel`. Not called again before that. */
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

  /** For good. A read that was woken before, and has not run yet, is cancelled too. */
  cancel(reason: unknown): void {
    this.#isCancelled = true;
    this.#reason = reason;
    this.#fail?.(reason);
  }

  throwIfCancelled(): void {
    if (this.#isCancelled) throw this.#reason;
  }
}
