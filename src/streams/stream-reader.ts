/** The reading half of a stream: methods that wait until their bytes are there. */
import { ByteQueue } from "../bytes/byte-queue.js";
import { dropLine, takeAll, takeExactly, takeSome, takeThrough } from "../bytes/read-rules.js";
import { SeparatorSearch, toSeparators } from "../bytes/separator-search.js";
import { Watermarks } from "../bytes/watermarks.js";
import { checkInteger, checkLimit, checkOptions, isBytes } from "../checks.js";
import { kindOf, showAsString } from "../describe.js";
import { IncompleteReadError, InvalidStateError, LimitOverrunError, NotImplementedError } from "../errors.js";
import type { BytesLike, Transport } from "../transport/transport.js";
import { ReadWaiter } from "./read-waiter.js";

/** What a read gives: the caller's own bytes, which the library never touches again. Large ones may be views on what arrived. */
type Bytes = Buffer<ArrayBuffer>;

/** The limit of a reader that is not given one, in bytes. */
export const DEFAULT_LIMIT = 65_536;

const NEWLINE: readonly Uint8Array[] = [Uint8Array.of(0x0a)];

export interface StreamReaderOptions {
  /** Bytes that may stand before a separator. Above twice as many buffered bytes, receiving pauses. Default 65 536. */
  readonly limit?: number | undefined;
}

/**
 * Reads a stream of bytes. As `asyncio.StreamReader`; `openConnection()` and `startServer()` make them, and `new` makes
 * one without a connection, to feed a parser in a test.
 *
 * At most one read may be pending; another one rejects with InvalidStateError at once. A pending read consumes nothing
 * before it succeeds. When the connection is lost with an error, what was received can still be read by `read(n)` and by
 * reads that it suffices for; then they reject with that error. After a local `close()` reads get the end of the stream.
 */
export class StreamReader {
  static {
    showAsString(this.prototype);
  }
  readonly #limit: number;
  readonly #queue = new ByteQueue();
  readonly #waiter = new ReadWaiter();
  readonly #marks: Watermarks;
  #transport: Pick<Transport, "pauseReading" | "resumeReading"> | undefined;
  #eof = false;
  #exception: Error | undefined;
  /** Whether the exception is raised before bytes that are still buffered. */
  #exceptionFirst = false;
  #isReadPending = false;

  /** @throws RangeError if `limit` is not a whole number above 0 */
  constructor(options?: StreamReaderOptions) {
    const { limit = DEFAULT_LIMIT } = checkOptions<StreamReaderOptions>("StreamReader()", options, ["limit"]);
    this.#limit = checkLimit(limit);
    this.#marks = new Watermarks(2 * this.#limit, this.#limit);
  }

  // For whoever reads.

  /**
   * Up to `size` bytes, as soon as there is one; an empty result means the end of the stream. A negative `size`, or none,
   * waits for the end and gives everything. Not bounded by the limit. As `StreamReader.read`.
   *
   * @throws RangeError if `size` is not a whole number
   */
  async read(size = -1): Promise<Bytes> {
    checkInteger("read size", size, Number.MIN_SAFE_INTEGER);
    this.#begin("read");
    if (size === 0) return this.#queue.take(0);
    if (size < 0) return this.#take(() => this.#resumed(takeAll(this.#queue, this.#isEnded)));
    return this.#take(() => this.#resumed(takeSome(this.#queue, size, this.#isEnded)));
  }

  /**
   * Exactly `size` bytes. Not bounded by the limit. As `StreamReader.readexactly`.
   *
   * @throws IncompleteReadError if the stream ends before; it has the bytes that were there
   * @throws RangeError if `size` is negative or not whole
   */
  async readExactly(size: number): Promise<Bytes> {
    if (typeof size === "number" && size < 0) {
      throw new RangeError(`readExactly size can not be less than zero, got ${size}`);
    }
    checkInteger("readExactly size", size, 0);
    this.#begin("readExactly");
    if (size === 0) return this.#queue.take(0);
    return this.#take(() => this.#resumed(takeExactly(this.#queue, size, this.#isEnded)));
  }

  /**
   * All up to and including the separator, or the one of several whose match ends first (of two that end together, the
   * shorter). As `StreamReader.readuntil`.
   *
   * @throws LimitOverrunError if more than the limit stands before the separator; the bytes stay, `consumed` of them can be read
   * @throws IncompleteReadError if the stream ends before; it has the bytes that were there
   * @throws RangeError if there is no separator or an empty one; TypeError if one is neither bytes nor a string
   */
  async readUntil(separator: BytesLike | readonly BytesLike[] = "\n"): Promise<Bytes> {
    const search = new SeparatorSearch(toSeparators(separator));
    this.#begin("readUntil");
    return this.#take(() => this.#resumed(takeThrough(this.#queue, search, this.#limit, this.#isEnded)));
  }

  /**
   * A line with its `"\n"`; the last one of the stream may lack it, and an empty result means the end. As
   * `StreamReader.readline`.
   *
   * @throws LineTooLongError if more than the limit stands before the newline; that much of the line was dropped
   */
  async readLine(): Promise<Bytes> {
    this.#begin("readUntil");
    const search = new SeparatorSearch(NEWLINE);
    return this.#take(() => this.#takeLine(search));
  }

  /** Iterates over lines, as `readLine()` gives them, to the end of the stream. Leaving the loop loses nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Bytes, undefined> {
    const next = async (): Promise<IteratorResult<Bytes, undefined>> => {
      const value = await this.readLine();
      return value.length > 0 ? { value, done: false } : { value: undefined, done: true };
    };
    const iterator: AsyncIterableIterator<Bytes, undefined> = {
      next,
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Whether the stream has ended and everything was read. As `StreamReader.at_eof`. */
  atEof(): boolean {
    return this.#eof && this.#queue.length === 0;
  }

  /** What `setException()` or the loss of the connection has left. As `StreamReader.exception`. */
  exception(): Error | undefined {
    return this.#exception;
  }

  // For whoever feeds.

  /**
   * Appends received bytes. `data` is the reader's from then on: do not write to it. As `StreamReader.feed_data`.
   *
   * @throws InvalidStateError after `feedEof()`, even for no bytes
   */
  feedData(data: Uint8Array): void {
    if (!isBytes(data)) throw new TypeError(`feedData() takes a Uint8Array, not ${kindOf(data)}`);
    if (this.#eof) throw new InvalidStateError("feedData() called after feedEof()");
    if (data.length === 0) return;
    this.#queue.push(data);
    this.#waiter.wake();
    if (this.#transport !== undefined && this.#marks.becomesFull(this.#queue.length)) this.#pause();
  }

  /** Marks the end of the stream. Idempotent. As `StreamReader.feed_eof`. */
  feedEof(): void {
    this.#eof = true;
    this.#waiter.wake();
  }

  /** The connection is lost: reads that the buffered bytes suffice for get them, all others reject with `error`. */
  feedError(error: Error): void {
    this.#exception = checkError("feedError", error);
    this.#waiter.wake();
  }

  /** From now on every read rejects with `error`, also when bytes are buffered. As `StreamReader.set_exception`. */
  setException(error: Error): void {
    this.#exception = checkError("setException", error);
    this.#exceptionFirst = true;
    this.#waiter.wake();
  }

  /**
   * Tells the reader what to pause when its buffer is full. As `StreamReader.set_transport`.
   *
   * @throws InvalidStateError if it has a transport already
   */
  setTransport(transport: Pick<Transport, "pauseReading" | "resumeReading">): void {
    const { pauseReading, resumeReading } = Object(transport) as Partial<Transport>;
    if (typeof pauseReading !== "function" || typeof resumeReading !== "function") {
      throw new TypeError(`setTransport() takes a transport, not ${kindOf(transport)}`);
    }
    if (this.#transport !== undefined) throw new InvalidStateError("Transport already set");
    this.#transport = transport;
  }

  toString(): string {
    const parts = ["StreamReader"];
    if (this.#queue.length > 0) parts.push(`${this.#queue.length} bytes`);
    if (this.#eof) parts.push("eof");
    if (this.#limit !== DEFAULT_LIMIT) parts.push(`limit=${this.#limit}`);
    if (this.#isReadPending) parts.push("waiter");
    if (this.#exception !== undefined) parts.push(`exception=${String(this.#exception)}`);
    if (this.#transport !== undefined) parts.push("transport");
    if (this.#marks.isFull) parts.push("paused");
    return `<${parts.join(" ")}>`;
  }

  // Steps of a read: begin, try to take, else wait and try again.

  /** After an error the end of the stream no longer counts: reads that need more get the error. */
  get #isEnded(): boolean {
    return this.#eof && this.#exception === undefined;
  }

  #begin(method: string): void {
    if (this.#isReadPending) {
      throw new InvalidStateError(
        `${method}() called while another coroutine is already waiting for incoming data`,
      );
    }
    if (this.#exceptionFirst) throw this.#exception!;
  }

  #take(attempt: () => Bytes | undefined): Bytes | Promise<Bytes> {
    return attempt() ?? this.#takeLater(attempt);
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

  #takeLine(search: SeparatorSearch): Bytes | undefined {
    try {
      return this.#resumed(takeThrough(this.#queue, search, this.#limit, this.#isEnded));
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial;
      if (!(error instanceof LimitOverrunError)) throw error;
      const tooLong = dropLine(this.#queue, this.#limit, error);
      this.#resumeIfFree();
      throw tooLong;
    }
  }

  #resumed(bytes: Bytes | undefined): Bytes | undefined {
    if (bytes !== undefined) this.#resumeIfFree();
    return bytes;
  }

  #resumeIfFree(): void {
    if (this.#marks.becomesFree(this.#queue.length)) this.#transport?.resumeReading();
  }

  /** A transport that cannot pause is never asked again. */
  #pause(): void {
    try {
      this.#transport!.pauseReading();
    } catch (error) {
      if (!(error instanceof NotImplementedError)) throw error;
      this.#transport = undefined;
      this.#marks.release();
    }
  }
}

function checkError(method: string, error: unknown): Error {
  if (error instanceof Error) return error;
  throw new TypeError(`${method}() takes an Error, not ${kindOf(error)}`);
}
