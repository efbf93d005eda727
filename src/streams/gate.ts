/** A gate that any number of callers wait at: `drain()` until the buffer has room, `waitClosed()` until the end. */
export class Gate {
  #state: "open" | "shut" | "ended";
  #error: Error | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(state: "open" | "shut") {
    this.#state = state;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Resolves when the gate is open or has ended well, rejects when it has ended with an error. First come, first served. */
  pass(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === "shut") this.#waiting.push({ resolve, reject });
      else if (this.#error === undefined) resolve();
      else reject(this.#error);
    });
  }

  shut(): void {
    if (this.#state === "open") this.#state = "shut";
  }

  open(): void {
    if (this.#state === "shut") this.#release("open");
  }

  /** For good: whoever waits now or comes later passes, or gets `error`. */
  end(error: Error | undefined): void {
    this.#error = error;
    this.#release("ended");
  }

  #release(state: "open" | "ended"): void {
    this.#state = state;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) {
      if (this.#error === undefined) resolve();
      else reject(this.#error);
    }
  }
}
