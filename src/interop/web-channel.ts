/** A pair of Web Streams as a channel. */
import { toBytes } from "../bytes/to-bytes.js";
import { toError } from "../errors.js";
import type { Channel, ChannelEvents } from "../backends/channel.js";
import { WriteBatch } from "../backends/node/write-batch.js";
import { Gate } from "../waiting/gate.js";
import type {
  ReadableStream,
  ReadableStreamDefaultReader,
  WritableStream,
  WritableStreamDefaultWriter,
} from "node:stream/web";

export class WebChannel implements Channel {
  readonly socket: undefined;
  readonly local: undefined;
  readonly remote: undefined;
  readonly canEndWriting = true;
  readonly #source: ReadableStreamDefaultReader<unknown>;
  readonly #sink: WritableStreamDefaultWriter<unknown>;
  readonly #flow = new Gate("open");
  readonly #batch = new WriteBatch();
  #isFlushScheduled = false;
  /** Bytes that the sink has not taken. */
  #sending = 0;
  #events: ChannelEvents | undefined;
  #hasPeerEnded = false;
  #isWritingEnded = false;
  #sinkClosed: Promise<void> | undefined;
  /** `close` or `destroy` was called, or the connection is lost. */
  #isEnding = false;
  #isClosed = false;

  /** Locks both. */
  constructor(readable: ReadableStream<unknown>, writable: WritableStream<unknown>) {
    this.#source = readable.getReader();
    this.#sink = writable.getWriter();
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#batch.bytes + this.#sending;
  }

  start(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (!isFirst) return;
    this.#sink.closed.catch((error: unknown) => this.#lose(error));
    queueMicrotask(() => void this.#receive().catch((error: unknown) => this.#lose(error)));
  }

  write(data: Uint8Array): void {
    this.#batch.add(data);
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  endWriting(): void {
    void this.#closeSink();
  }

  close(): void {
    this.#isEnding = true;
    void this.#closeSink().then(() => this.#finish(undefined));
  }

  destroy(): void {
    this.#isEnding = true;
    this.#batch.clear();
    queueMicrotask(() => this.#finish(undefined));
  }

  pause(): void {
    this.#flow.shut();
  }

  resume(): void {
    this.#flow.open();
  }

  extraInfo(): undefined {
    return undefined;
  }

  releaseSocket(): undefined {
    return undefined;
  }

  /** When paused, one chunk more is taken, and kept. */
  async #receive(): Promise<void> {
    while (!this.#isEnding) {
      const { done, value } = await this.#source.read();
      if (!this.#flow.isOpen) await this.#flow.pass();
      if (this.#isEnding) return;
      if (done) {
        this.#hasPeerEnded = true;
        this.#events!.eofReceived();
        if (this.#isWritingEnded) this.#finish(undefined);
        return;
      }
      const chunk = toChunk(value);
      if (chunk.length > 0) this.#events!.dataReceived(chunk);
    }
  }

  #flush(): void {
    for (const piece of this.#batch.take()) {
      this.#sending += piece.length;
      this.#sink.write(piece).then(
        () => {
          this.#sending -= piece.length;
          if (!this.#isClosed) this.#events!.bufferShrank();
        },
        (error: unknown) => this.#lose(error),
      );
    }
  }

  #closeSink(): Promise<void> {
    this.#flush();
    this.#sinkClosed ??= this.#sink.close().then(
      () => {
        this.#isWritingEnded = true;
        if (this.#hasPeerEnded) this.#finish(undefined);
      },
      (error: unknown) => this.#lose(error),
    );
    return this.#sinkClosed;
  }

  #lose(error: unknown): void {
    this.#finish(toError(error));
  }

  /** Both streams are let go, in case that they are not at their end. */
  #finish(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isEnding = true;
    this.#flow.open();
    this.#sink.abort(error).catch(() => {});
    this.#source.cancel(error).catch(() => {});
    this.#events?.closed(error);
  }
}

/** What a stream gives as a chunk: bytes in whatever form, or a string. */
export function toChunk(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return toBytes(value);
}
