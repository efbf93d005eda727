/** A Writable as a sink of bytes. */
import type { Writable } from "node:stream";
import type { ByteSink } from "../backends/node/batched-writer.js";

/** Counts bytes also where the Writable counts objects. */
export class StreamSink implements ByteSink {
  readonly #writable: Writable;
  #length = 0;

  constructor(writable: Writable) {
    this.#writable = writable;
  }

  get destroyed(): boolean {
    return this.#writable.destroyed;
  }

  get writableLength(): number {
    return this.#length;
  }

  write(data: Uint8Array, done?: (error?: Error | null) => void): void {
    this.#length += data.length;
    this.#writable.write(data, (error) => {
      this.#length -= data.length;
      done?.(error);
    });
  }

  cork(): void {
    this.#writable.cork();
  }

  uncork(): void {
    this.#writable.uncork();
  }
}
