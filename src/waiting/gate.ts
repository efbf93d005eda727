/** A gate that any number of callers wait at: `drain()` until the buffer has room, `waitClosed()` until the end. */
import type { Bounds } from "./bounds.js";
import { SOON } from "./promised.js";

interface Waiting {
  readonly pass: () => void;
  readonly fail: (reason: unknown) => void;
  /** Ends the watch of its bounds. */
  stop?: () => void;
}

/** Who hears of the end of a gate. */
export interface GateListener {
  /** `toError` makes what those get who wait. */
  gateEnded(toError: (() => Error) | undefined): void;
}

export class Gate {
  #state: "open" | "shut" | "ended";
  /** Makes what those get who come after a bad end. */
  #toError: (() => Error) | undefined;
  /** In order; made when somebody waits, which few do. */
  #waiting: Set<Waiting> | undefined;
  #listener: GateListener | undefined;

  constructor(state: "open" | "shut") {
    this.#state = state;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /**
   * Resolves when the gate is open or has ended well, rejects when it has ended with an error or at the bounds. First
   * come, first served.
   */
  pass(bounds?: Bounds): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === "shut") this.#wait({ pass: resolve, fail: reject }, bounds);
      else if (this.#toError === undefined) resolve();
      else reject(this.#toError());
    });
  }

  shut(): void {
    if (this.#state === "open") this.#state = "shut";
  }

  open(): void {
    if (this.#state === "shut") this.#release("open");
  }

  /** For good: whoever waits now or comes later passes, or gets the error. */
  end(toError?: () => Error): void {
    this.#toError = toError;
    this.#release("ended");
    this.#tell();
  }

  /** Tells `listener` of the end, a moment after it, also if that was before. There is only one, and it costs no promise. */
  tellEnd(listener: GateListener): void {
    this.#listener = listener;
    if (this.#state === "ended") this.#tell();
  }

  #tell(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    void SOON.then(() => listener.gateEnded(this.#toError));
  }

  #wait(waiting: Waiting, bounds: Bounds | undefined): void {
    this.#waiting ??= new Set();
    this.#waiting.add(waiting);
    if (bounds === undefined) return;
    waiting.stop = bounds.watch((reason) => {
      this.#waiting?.delete(waiting);
      waiting.fail(reason);
    });
  }

  #release(state: "open" | "ended"): void {
    this.#state = state;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const { pass, fail, stop } of waiting) {
      stop?.();
      if (this.#toError === undefined) pass();
      else fail(this.#toError());
    }
  }
}
