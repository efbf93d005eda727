/** Writes to a socket: what is written within a tick leaves together, in one system call where it fits. */
import process from "node:process";
import { WriteBatch } from "./write-batch.js";

/** A batch above this is sent at once instead of at the end of the tick, so that the kernel begins on it. */
const FLUSH_ABOVE = 65_536;

/** After that many bytes sent at once the event loop gets a turn: a loop of `write` and `drain` must not starve it. */
const SENT_IN_A_TURN = 1_048_576;

/** A socket, or what takes bytes as one does. */
export interface ByteSink {
  readonly destroyed: boolean;
  /** Whether nobody reads, or takes over, what it has got once it has passed that on. */
  readonly keepsNothing: boolean;
  /** Bytes that it has got and not passed on. */
  readonly writableLength: number;
  write(data: Uint8Array, done?: (error?: Error | null) => void): unknown;
  /** Holds what is written together until `uncork`. */
  cork(): void;
  uncork(): void;
}

export class BatchedWriter {
  readonly #socket: ByteSink;
  readonly #taken: () => void;
  readonly #batch: WriteBatch;
  #isFlushScheduled = false;
  #isHeldForTurn = false;
  #sentInTurn = 0;

  /** `taken` is called when the kernel has taken some of what is buffered. */
  constructor(socket: ByteSink, taken: () => void) {
    this.#socket = socket;
    this.#batch = new WriteBatch(socket.keepsNothing ? "shared" : "own");
    this.#taken = taken;
  }

  /** What the kernel has not taken; nothing counts any more once the socket is destroyed. */
  get bufferedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#batch.bytes + this.#socket.writableLength;
  }

  write(data: Uint8Array): void {
    this.#batch.add(data);
    if (this.#batch.bytes > FLUSH_ABOVE) this.#flushNow();
    else this.#flushAfterTick();
  }

  /** Hands the batch to the socket. */
  flush(): void {
    if (this.#batch.bytes === 0 || this.#socket.destroyed) return;
    const pieces = this.#batch.take();
    const last = pieces.pop()!;
    if (pieces.length > 0) {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
    }
    this.#socket.write(last, this.#onWritten);
    if (pieces.length > 0) this.#socket.uncork();
    this.#batch.sent(this.#socket.writableLength === 0);
  }

  /** Drops what the socket has not got yet. */
  clear(): void {
    this.#batch.clear();
  }

  #flushAfterTick(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    process.nextTick(this.#onTickEnded);
  }

  readonly #onTickEnded = (): void => {
    this.#isFlushScheduled = false;
    if (!this.#isHeldForTurn) this.flush();
  };

  #flushNow(): void {
    if (this.#isHeldForTurn) return;
    if (this.#sentInTurn < SENT_IN_A_TURN) {
      this.#sentInTurn += this.#batch.bytes;
      this.flush();
      return;
    }
    this.#isHeldForTurn = true;
    setImmediate(() => {
      this.#isHeldForTurn = false;
      this.#sentInTurn = 0;
      this.flush();
    });
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error && !this.#socket.destroyed) this.#taken();
  };
}
