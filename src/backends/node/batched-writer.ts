/** Writes to a socket: what is written within a tick leaves together, in one system call where it fits. */
import type { Socket } from "node:net";
import process from "node:process";
import { NO_BYTES } from "../../transport/tls.js";
import { SocketWrites } from "./socket-writes.js";
import { WriteBatch } from "./write-batch.js";

/** A batch above this is sent at once instead of at the end of the tick, so that the kernel begins on it. */
const FLUSH_ABOVE = 65_536;

/** After that many bytes sent at once the event loop gets a turn: a loop of `write` and `drain` must not starve it. */
const SENT_IN_A_TURN = 1_048_576;

/** Told of what becomes of what was written; nothing once the socket is destroyed. */
interface WriterEvents {
  /** The kernel has taken some of what is buffered. */
  taken(): void;
  /** A write has failed; the socket has not heard of it. */
  failed(error: Error): void;
}

export class BatchedWriter {
  readonly #socket: Socket;
  readonly #events: WriterEvents;
  readonly #writes: SocketWrites;
  readonly #batch: WriteBatch = new WriteBatch();
  #isFlushScheduled = false;
  #isHeldForTurn = false;
  #sentInTurn = 0;

  constructor(socket: Socket, events: WriterEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#writes = new SocketWrites(socket, (error) => {
      // What a socket that is destroyed had not sent is cancelled: that is not why it ends.
      if (!socket.destroyed) events.failed(error);
    });
    if (socket.writableLength > 0) this.#awaitEarlierWrites();
  }

  /** What the kernel has not taken; nothing counts any more once the socket is destroyed. */
  get bufferedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#batch.bytes + this.#socket.writableLength;
  }

  /** … but has after all, of the write that is under way. */
  get bytesTakenEarly(): number {
    return this.#socket.destroyed ? 0 : this.#writes.taken;
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
    if (pieces.length === 0) {
      this.#socket.write(last, this.#onWritten);
      return;
    }
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.write(last, this.#onWritten);
    this.#socket.uncork();
  }

  /** Drops what the socket has not got yet. */
  clear(): void {
    this.#batch.clear();
  }

  /** Those of whoever had the socket before. */
  #awaitEarlierWrites(): void {
    if (this.#socket.writableEnded) this.#socket.once("finish", this.#onWritten);
    else this.#socket.write(NO_BYTES, this.#onWritten);
  }

  #flushAfterTick(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    process.nextTick(() => {
      this.#isFlushScheduled = false;
      if (!this.#isHeldForTurn) this.flush();
    });
  }

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
    if (!error && !this.#socket.destroyed) this.#events.taken();
  };
}
