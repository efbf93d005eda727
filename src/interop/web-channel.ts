/** A pair of Web Streams as a channel. */
import type { Channel, ChannelEvents } from "../backends/channel.js";
import { BatchedWriter, type WriterOwner } from "../backends/node/batched-writer.js";
import { onceQuiet } from "../backends/node/once-quiet.js";
import { ConnectionResetError, toError } from "../errors.js";
import { Gate } from "../waiting/gate.js";
import { toChunk } from "./to-chunk.js";
import { WebSink } from "./web-sink.js";
import type { ReadableStream, ReadableStreamDefaultReader, WritableStream } from "node:stream/web";

export class WebChannel implements Channel, WriterOwner {
  readonly socket: undefined;
  readonly local: undefined;
  readonly remote: undefined;
  readonly canEndWriting = true;
  readonly #source: ReadableStreamDefaultReader<unknown>;
  readonly #sink: WebSink;
  readonly #writer: BatchedWriter;
  readonly #flow = new Gate("open");
  #events: ChannelEvents | undefined;
  #bytesDelivered = 0;
  #hasPeerEnded = false;
  #isWritingEnded = false;
  #writeError: Error | undefined;
  /** `close` or `destroy` was called. */
  #isEnding = false;
  #isClosed = false;

  /** Locks both. */
  constructor(readable: ReadableStream<unknown>, writable: WritableStream<unknown>) {
    this.#source = readable.getReader();
    this.#sink = new WebSink(writable, (error) => this.#onWriteError(toError(error)));
    this.#writer = new BatchedWriter(this.#sink, this);
  }

  bytesTaken(): void {
    this.#events!.bufferShrank();
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  start(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (isFirst) queueMicrotask(() => void this.#receive());
  }

  write(data: Uint8Array): void {
    this.#writer.write(data);
  }

  endWriting(): void {
    void this.#endSink();
  }

  /** What still comes is dropped: who sends it may have to get rid of it before it takes ours. */
  close(): void {
    this.#isEnding = true;
    this.#flow.open();
    void this.#endSink().then(() => this.#finish(undefined));
  }

  destroy(): void {
    this.#isEnding = true;
    this.#writer.clear();
    queueMicrotask(() => this.#finish(this.#writeError));
  }

  /** Web Streams know no reset. */
  reset(): void {
    this.destroy();
  }

  pause(): void {
    if (this.#writeError === undefined) this.#flow.shut();
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

  // Receiving.

  async #receive(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#source.read();
        // Asked for before it was paused: it is kept back.
        await this.#flow.pass();
        if (done) break;
        this.#deliver(toChunk(value));
      }
    } catch (error) {
      this.#finish(this.#writeError ?? toError(error));
      return;
    }
    this.#hasPeerEnded = true;
    if (this.#writeError !== undefined) this.#finish(this.#writeError);
    else if (!this.#isEnding) this.#events!.eofReceived();
    this.#finishIfEnded();
  }

  #deliver(chunk: Uint8Array): void {
    if (this.#isEnding || chunk.length === 0) return;
    this.#bytesDelivered += chunk.length;
    this.#events!.dataReceived(chunk);
  }

  // The end.

  async #endSink(): Promise<void> {
    this.#writer.flush();
    await this.#sink.close();
    this.#isWritingEnded = true;
    this.#finishIfEnded();
  }

  #finishIfEnded(): void {
    if (this.#hasPeerEnded && this.#isWritingEnded) this.#finish(undefined);
  }

  /** The other direction is one of its own, and may still bring something. */
  #onWriteError(error: Error): void {
    if (this.#writeError !== undefined) return;
    this.#writeError = error;
    this.#writer.clear();
    if (this.#isEnding || this.#hasPeerEnded) {
      this.#finish(error);
      return;
    }
    this.#events!.writingFailed();
    this.#flow.open();
    onceQuiet(
      () => (this.#isClosed ? undefined : this.#bytesDelivered),
      () => this.#finish(error),
    );
  }

  /** Both streams are let go, in case that they are not at their end. */
  #finish(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isEnding = true;
    this.#flow.open();
    const reason = error ?? new ConnectionResetError("The connection was closed");
    this.#sink.destroy(reason);
    this.#source.cancel(reason).catch(() => {});
    this.#events?.closed(error);
  }
}
