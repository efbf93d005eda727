/** A Writable as a sink of bytes. */
import type { Writable } from "node:stream";
import type { ByteSink } from "../backends/node/batched-writer.js";

/** Counts bytes also where the Writable counts objects, and what it has lost until its owner hears of the end. */
export class StreamSink implements ByteSink {
  readonly keepsNothing = false;
  readonly #writable: Writable;
  #length = 0;
  #isDestroyed = false;

  constructor(writable: Writable) {
    this.#writable = writable;
  }

  get destroyed(): boolean {
    return this.#isDestroyed;
  }

  get writableLength(): number {
    return this.#length;
  }

  write(data: Uint8Array, done?: (error?: Error | null) => void): boolean {
    this.#length += data.length;
    this.#writable.write(data, (error) => {
      if (error) return;
      this.#length -= data.length;
      done?.();
    });
    return false;
  }

  /** Nothing counts any more. */
  destroy(): void {
    this.#isDestroyed = true;
  }

  cork(): void {
    this.#writable.cork();
  }

  uncork(): void {
    this.#writable.uncork();
  }
}
