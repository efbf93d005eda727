/** The reading half of a stream: methods that wait until their bytes are there. */
import { dropLine, takeAll, takeExactly, takeSome, takeThrough } from "../bytes/read-rules.js";
import { SeparatorSearch, toSeparators } from "../bytes/separator-search.js";
import { checkInteger, checkLimit, checkOptions, isBytes } from "../checks.js";
import { kindOf, showAsString } from "../describe.js";
import { IncompleteReadError, LimitOverrunError } from "../errors.js";
import type { BytesLike } from "../transport/transport.js";
import { DEFAULT_LIMIT, ReceiveBuffer, type Pausable } from "./receive-buffer.js";

/** What a read gives: the caller's own bytes, which the library never touches again. Large ones may be views on what arrived. */
type Bytes = Buffer<ArrayBuffer>;

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
  readonly #buffer: ReceiveBuffer;

  /** @throws RangeError if `limit` is not a whole number above 0 */
  constructor(options?: StreamReaderOptions) {
    const { limit = DEFAULT_LIMIT } = checkOptions<StreamReaderOptions>("StreamReader()", options, ["limit"]);
    this.#buffer = new ReceiveBuffer(checkLimit(limit));
  }

  /** @internal What the protocol of a connection feeds, and TLS takes over. */
  static bufferOf(reader: StreamReader): ReceiveBuffer {
    return reader.#buffer;
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
    this.#buffer.begin("read");
    if (size === 0) return this.#buffer.queue.take(0);
    if (size < 0) return this.#take(() => takeAll(this.#buffer.queue, this.#buffer.isEnded));
    return this.#take(() => takeSome(this.#buffer.queue, size, this.#buffer.isEnded));
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
    this.#buffer.begin("readExactly");
    if (size === 0) return this.#buffer.queue.take(0);
    return this.#take(() => takeExactly(this.#buffer.queue, size, this.#buffer.isEnded));
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
    this.#buffer.begin("readUntil");
    return this.#take(() => this.#takeThrough(search));
  }

  /**
   * A line with its `"\n"`; the last one of the stream may lack it, and an empty result means the end. As
   * `StreamReader.readline`.
   *
   * @throws LineTooLongError if more than the limit stands before the newline; that much of the line was dropped
   */
  async readLine(): Promise<Bytes> {
    this.#buffer.begin("readUntil");
    const search = new SeparatorSearch(NEWLINE);
    return this.#buffer.take(() => this.#takeLine(search));
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
    return this.#buffer.hasEof && this.#buffer.queue.length === 0;
  }

  /** What `setException()` or the loss of the connection has left. As `StreamReader.exception`. */
  exception(): Error | undefined {
    return this.#buffer.exception;
  }

  // For whoever feeds.

  /**
   * Appends received bytes. `data` is the reader's from then on: do not write to it. As `StreamReader.feed_data`.
   *
   * @throws InvalidStateError after `feedEof()`, even for no bytes
   */
  feedData(data: Uint8Array): void {
    if (!isBytes(data)) throw new TypeError(`feedData() takes a Uint8Array, not ${kindOf(data)}`);
    this.#buffer.feed(data);
  }

  /** Marks the end of the stream. Idempotent. As `StreamReader.feed_eof`. */
  feedEof(): void {
    this.#buffer.feedEof();
  }

  /** The connection is lost: reads that the buffered bytes suffice for get them, all others reject with `error`. */
  feedError(error: Error): void {
    this.#buffer.feedError(checkError("feedError", error), false);
  }

  /** From now on every read rejects with `error`, also when bytes are buffered. As `StreamReader.set_exception`. */
  setException(error: Error): void {
    this.#buffer.feedError(checkError("setException", error), true);
  }

  /**
   * Tells the reader what to pause when its buffer is full. As `StreamReader.set_transport`.
   *
   * @throws InvalidStateError if it has a transport already
   */
  setTransport(transport: Pausable): void {
    const { pauseReading, resumeReading } = Object(transport) as Partial<Pausable>;
    if (typeof pauseReading !== "function" || typeof resumeReading !== "function") {
      throw new TypeError(`setTransport() takes a transport, not ${kindOf(transport)}`);
    }
    this.#buffer.setTransport(transport);
  }

  toString(): string {
    return `<${`StreamReader ${this.#buffer.toString()}`.trim()}>`;
  }

  #take(attempt: () => Bytes | undefined): Bytes | Promise<Bytes> {
    return this.#buffer.take(() => {
      const bytes = attempt();
      if (bytes !== undefined) this.#buffer.resumeIfFree();
      return bytes;
    });
  }

  #takeThrough(search: SeparatorSearch): Bytes | undefined {
    const { queue, limit, isEnded } = this.#buffer;
    return takeThrough(queue, search, limit, isEnded);
  }

  /** An unfinished line at the end does not resume the transport, one that was dropped does. */
  #takeLine(search: SeparatorSearch): Bytes | undefined {
    const buffer = this.#buffer;
    try {
      const line = this.#takeThrough(search);
      if (line !== undefined) buffer.resumeIfFree();
      return line;
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial;
      if (!(error instanceof LimitOverrunError)) throw error;
      const tooLong = dropLine(buffer.queue, buffer.limit, error);
      buffer.resumeIfFree();
      throw tooLong;
    }
  }
}

function checkError(method: string, error: unknown): Error {
  if (error instanceof Error) return error;
  throw new TypeError(`${method}() takes an Error, not ${kindOf(error)}`);
}
