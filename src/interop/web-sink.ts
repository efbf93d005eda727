/** A WritableStream as a sink of bytes. */
import type { WritableStream, WritableStreamDefaultWriter } from "node:stream/web";
import { ConnectionResetError } from "../errors.js";
import type { ByteSink } from "../backends/node/batched-writer.js";

export class WebSink implements ByteSink {
  readonly keepsNothing = false;
  readonly #writer: WritableStreamDefaultWriter<unknown>;
  readonly #failed: (error: unknown) => void;
  #length = 0;
  #isDestroyed = false;
  /** Somebody else has closed it, or it has failed. */
  #isGone = false;
  #closed: Promise<void> | undefined;

  /** Locks it. `failed` is told when something that was written is lost, or the end of it. */
  constructor(writable: WritableStream<unknown>, failed: (error: unknown) => void) {
    this.#writer = writable.getWriter();
    this.#failed = failed;
    const gone = () => {
      this.#isGone = true;
    };
    this.#writer.closed.then(gone, gone);
  }

  get destroyed(): boolean {
    return this.#isDestroyed;
  }

  get writableLength(): number {
    return this.#length;
  }

  write(data: Uint8Array, done?: (error?: Error | null) => void): boolean {
    this.#length += data.length;
    this.#pass(data).then(
      () => {
        this.#length -= data.length;
        done?.();
      },
      (error: unknown) => this.#fail(error),
    );
    return false;
  }

  /** There is no system call to save. */
  cork(): void {}
  uncork(): void {}

  /**
   * Closes it behind what was written, and resolves when that is over, well or not. Idempotent. Where nobody takes
   * anything any more nothing is lost by that.
   */
  close(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    const wasGone = this.#isGone;
    this.#closed = this.#writer.close().catch((error: unknown) => {
      if (!wasGone) this.#fail(error);
    });
    return this.#closed;
  }

  /** Drops what it holds. Idempotent. */
  destroy(reason: Error): void {
    this.#isDestroyed = true;
    this.#writer.abort(reason).catch(() => {});
  }

  /** In order with `close`: nothing is waited for before. To a closed one Node.js 20 throws at once, an error of its own. */
  async #pass(data: Uint8Array): Promise<void> {
    if (this.#isGone) await this.#writer.closed.then(refuse);
    await this.#writer.write(data);
  }

  #fail(error: unknown): void {
    if (!this.#isDestroyed) this.#failed(error);
  }
}

function refuse(): never {
  throw new ConnectionResetError("The stream was closed by somebody else");
}
