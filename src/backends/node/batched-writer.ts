/** Writes to a socket: what is written within a tick leaves together, in one system call where it fits. */
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
  /** `true`: it has passed all of it on already, and does not call `done`. */
  write(data: Uint8Array, done?: (error?: Error | null) => void): boolean;
  /** Holds what is written together until `uncork`. */
  cork(): void;
  uncork(): void;
}

/** Who has a writer. */
export interface WriterOwner {
  /** The kernel has taken some of what is buffered. */
  bytesTaken(): void;
}

export class BatchedWriter {
  static readonly #afterTick = (writer: BatchedWriter): void => writer.#flushAfterTick();
  static readonly #afterFlush = (writer: BatchedWriter): void => writer.#tellTaken();
  readonly #sink: ByteSink;
  readonly #owner: WriterOwner;
  readonly #batch: WriteBatch;
  #isFlushScheduled = false;
  #isHeldForTurn = false;
  #sentInTurn = 0;
  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.#tellTaken();
  };

  constructor(sink: ByteSink, owner: WriterOwner) {
    this.#sink = sink;
    this.#owner = owner;
    this.#batch = new WriteBatch(sink.keepsNothing ? "shared" : "own");
  }

  /** What the kernel has not taken; nothing counts any more once the sink is destroyed. */
  get bufferedBytes(): number {
    return this.#sink.destroyed ? 0 : this.#batch.bytes + this.#sink.writableLength;
  }

  write(data: Uint8Array): void {
    this.#batch.add(data);
    if (this.#batch.bytes > FLUSH_ABOVE) this.#flushNow();
    else if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      process.nextTick(BatchedWriter.#afterTick, this);
    }
  }

  /** Hands the batch to the sink. Nothing is told within the call. */
  flush(): void {
    if (this.#pass()) process.nextTick(BatchedWriter.#afterFlush, this);
  }

  /** Drops what the sink has not got yet. */
  clear(): void {
    this.#batch.clear();
  }

  #flushAfterTick(): void {
    this.#isFlushScheduled = false;
    if (!this.#isHeldForTurn && this.#pass()) this.#owner.bytesTaken();
  }

  #tellTaken(): void {
    if (!this.#sink.destroyed) this.#owner.bytesTaken();
  }

  /** Whether the sink has passed the batch on at once. */
  #pass(): boolean {
    const sink = this.#sink;
    if (this.#batch.bytes === 0 || sink.destroyed) return false;
    const pieces = this.#batch.take();
    const last = pieces.pop()!;
    if (pieces.length > 0) {
      sink.cork();
      // Each of them tells: the last may be done before the others, as Bun's pipes do now and then.
      for (const piece of pieces) sink.write(piece, this.#onWritten);
    }
    const isPassedOn = sink.write(last, this.#onWritten);
    if (pieces.length > 0) sink.uncork();
    this.#batch.sent(sink.writableLength === 0);
    return isPassedOn;
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
}
