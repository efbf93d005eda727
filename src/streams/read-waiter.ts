/** Where the one pending read waits for the next thing to happen. */
export class ReadWaiter {
  #resume: (() => void) | undefined;

  /** Resolves at the next `wake`. Not called again before that. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}
