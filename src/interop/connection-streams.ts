/** A connection as a pair of Web Streams. */
import type { StreamReader } from "../streams/stream-reader.js";
import type { StreamWriter } from "../streams/stream-writer.js";
import { send } from "./send.js";
import { toChunk } from "./to-chunk.js";

/** The two halves of a connection as Web Streams. */
export interface WebStreams {
  /** A byte stream: it serves readers that bring a buffer ("byob") too. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
}

export class ConnectionStreams implements WebStreams {
  readonly readable: WebStreams["readable"];
  readonly writable: WebStreams["writable"];
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #stopped = new AbortController();
  readonly #chunks: AsyncIterator<Uint8Array, undefined>;
  readonly #open = new Set<"reading" | "writing">(["reading", "writing"]);
  #source!: ReadableByteStreamController;

  constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader;
    this.#writer = writer;
    this.#chunks = reader.chunks({ signal: this.#stopped.signal });
    // A write has succeeded when its memory is free to be used again.
    writer.transport.setWriteBufferLimits({ high: 0 });
    this.readable = new ReadableStream(
      {
        type: "bytes",
        start: (controller) => {
          this.#source = controller;
        },
        pull: () => this.#pull(),
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    ) as WebStreams["readable"];
    this.writable = new WritableStream({
      start: (controller) => {
        writer.waitClosed().catch((error: unknown) => controller.error(error));
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => this.#abort(reason),
    });
  }

  /** Into the memory of who asks if there is some, else a copy, as the stream takes possession of what it is given. */
  async #pull(): Promise<void> {
    const request = this.#source.byobRequest;
    if (request === null) {
      const { value } = await this.#chunks.next();
      if (value === undefined) this.#end();
      else this.#source.enqueue(new Uint8Array(value));
      return;
    }
    const { signal } = this.#stopped;
    const size = await this.#reader.readInto(request.view as Uint8Array, { signal });
    if (size === 0) this.#end();
    request.respond(size);
  }

  #end(): void {
    this.#ended("reading");
    this.#source.close();
  }

  /** Nobody wants what still comes, but the peer must be able to go on. */
  #cancel(reason: unknown): void {
    this.#stopped.abort(reason);
    this.#ended("reading");
    void drop(this.#reader);
  }

  async #write(chunk: unknown): Promise<void> {
    try {
      await send(this.#writer, [toChunk(chunk)]);
    } catch (error) {
      // The stream is broken from now on, and will neither end nor abort a connection that still stands.
      if (!this.#writer.isClosing()) this.#abort(error);
      throw error;
    }
  }

  #close(): void {
    if (this.#writer.canWriteEof()) this.#writer.writeEof();
    this.#ended("writing");
  }

  /** The connection then ends without an error, which must not pass for the end of what is read. */
  #abort(reason: unknown): void {
    if (this.#open.has("reading")) this.#source.error(reason);
    this.#stopped.abort(reason);
    this.#writer.transport.abort();
  }

  #ended(direction: "reading" | "writing"): void {
    this.#open.delete(direction);
    if (this.#open.size === 0) this.#writer.close();
  }
}

async function drop(reader: StreamReader): Promise<void> {
  try {
    for await (const _chunk of reader.chunks()) continue;
  } catch {
    // The connection is lost, which the writing side tells.
  }
}
