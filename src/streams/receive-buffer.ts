/** What a reader has received and nobody has read: fed by a protocol, taken from by one read at a time. */
import { ByteQueue } from "../bytes/byte-queue.js";
import { Watermarks } from "../bytes/watermarks.js";
import { InvalidStateError, NotImplementedError } from "../errors.js";
import type { Transport } from "../transport/transport.js";
import { ReadWaiter } from "./read-waiter.js";

type Bytes = Buffer<ArrayBuffer>;

/** The limit of a reader that is not given one, in bytes. */
export const DEFAULT_LIMIT = 65_536;

/** What a full buffer pauses. */
export type Pausable = Pick<Transport, "pauseReading" | "resumeReading">;

export class ReceiveBuffer {
  readonly limit: number;
  readonly queue: ByteQueue = new ByteQueue();
  readonly #waiter = new ReadWaiter();
  readonly #marks: Watermarks;
  #transport: Pausable | undefined;
  #eof = false;
  #exception: Error | undefined;
  /** Whether the exception is raised before bytes that are still buffered. */
  #exceptionFirst = false;
  #isReadPending = false;
  #isLocked = false;

  constructor(limit: number) {
    this.limit = limit;
    this.#marks = new Watermarks(2 * limit, limit);
  }

  // For whoever reads: begin, try to take, else wait and try again.

  get hasEof(): boolean {
    return this.#eof;
  }

  /** Whether nothing more comes. After an error that no longer counts: reads that need more get the error. */
  get isEnded(): boolean {
    return this.#eof && this.#exception === undefined;
  }

  get exception(): Error | undefined {
    return this.#exception;
  }

  get isReadPending(): boolean {
    return this.#isReadPending;
  }

  begin(method: string): void {
    this.#checkUnlocked(method);
    if (this.#isReadPending) {
      throw new InvalidStateError(
        `${method}() called while another coroutine is already waiting for incoming data`,
      );
    }
    if (this.#exceptionFirst) throw this.#exception!;
  }

  /** What `attempt` takes, at once or as soon as it does not give `undefined`. */
  take(attempt: () => Bytes | undefined): Bytes | Promise<Bytes> {
    return attempt() ?? this.#takeLater(attempt);
  }

  /** To be called when bytes were taken. */
  resumeIfFree(): void {
    if (this.#marks.becomesFree(this.queue.length)) this.#transport?.resumeReading();
  }

  // For whoever feeds.

  feed(data: Uint8Array): void {
    if (this.#eof) throw new InvalidStateError("feedData() called after feedEof()");
    if (data.length === 0) return;
    this.queue.push(data);
    this.#waiter.wake();
    if (this.#transport !== undefined && this.#marks.becomesFull(this.queue.length)) this.#pause();
  }

  feedEof(): void {
    this.#eof = true;
    this.#waiter.wake();
  }

  /** `first`: before what is buffered. */
  feedError(error: Error, first: boolean): void {
    this.#exception = error;
    this.#exceptionFirst ||= first;
    this.#waiter.wake();
  }

  setTransport(transport: Pausable): void {
    if (this.#transport !== undefined) throw new InvalidStateError("Transport already set");
    this.#transport = transport;
  }

  // For an upgrade to TLS, during which nobody reads.

  /** Refuses reads until `unlock`. @throws InvalidStateError if a read is pending, or it is locked already */
  lock(method: string): void {
    this.#checkUnlocked(method);
    if (this.#isReadPending)
      throw new InvalidStateError(`${method}() called while a read is waiting for incoming data`);
    this.#isLocked = true;
  }

  unlock(): void {
    this.#isLocked = false;
  }

  /** Gives all that is buffered to another layer, as if it had never come. */
  takeBack(): Bytes {
    this.#marks.release();
    return this.queue.take(this.queue.length);
  }

  replaceTransport(transport: Pausable): void {
    this.#transport = transport;
  }

  toString(): string {
    const parts: string[] = [];
    if (this.queue.length > 0) parts.push(`${this.queue.length} bytes`);
    if (this.#eof) parts.push("eof");
    if (this.limit !== DEFAULT_LIMIT) parts.push(`limit=${this.limit}`);
    if (this.#isReadPending) parts.push("waiter");
    if (this.#exception !== undefined) parts.push(`exception=${String(this.#exception)}`);
    if (this.#transport !== undefined) parts.push("transport");
    if (this.#marks.isFull) parts.push("paused");
    return parts.join(" ");
  }

  // Steps.

  #checkUnlocked(method: string): void {
    if (this.#isLocked) throw new InvalidStateError(`${method}() called during startTls()`);
  }

  async #takeLater(attempt: () => Bytes | undefined): Promise<Bytes> {
    this.#isReadPending = true;
    try {
      for (;;) {
        await this.#moreData();
        if (this.#exceptionFirst) throw this.#exception!;
        const bytes = attempt();
        if (bytes !== undefined) return bytes;
      }
    } finally {
      this.#isReadPending = false;
    }
  }

  /**
   * A read that has to wait lets the transport go on, whatever is buffered: it may need more than the limit. It waits
   * first, in case the transport delivers at once.
   */
  #moreData(): Promise<void> {
    if (this.#exception !== undefined) throw this.#exception;
    const more = this.#waiter.wait();
    if (this.#marks.release()) this.#transport?.resumeReading();
    return more;
  }

  /** A transport that cannot pause is never asked again. */
  #pause(): void {
    try {
      this.#transport!.pauseReading();
    } catch (error) {
      this.#marks.release();
      if (!(error instanceof NotImplementedError)) throw error;
      this.#transport = undefined;
    }
  }
}
