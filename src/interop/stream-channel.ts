/** Streams of node:stream as a channel: one Duplex, or only one direction. */
import type { Socket } from "node:net";
import { finished, type Duplex, type Readable, type Writable } from "node:stream";
import type { Channel, ChannelEvents } from "../backends/channel.js";
import { BatchedWriter, type WriterOwner } from "../backends/node/batched-writer.js";
import { behindEnd } from "../backends/node/reset-socket.js";
import { fromSystemError } from "../backends/node/system-errors.js";
import { ConnectionResetError, toError } from "../errors.js";
import { StreamSink } from "./stream-sink.js";
import { toChunk } from "./to-chunk.js";

/** A Duplex is given as both. */
export interface StreamDirections {
  readonly readable?: Readable | undefined;
  readonly writable?: Writable | undefined;
}

export class StreamChannel implements Channel, WriterOwner {
  readonly socket: undefined;
  readonly local: undefined;
  readonly remote: undefined;
  readonly #readable: Readable | undefined;
  readonly #writable: Writable | undefined;
  readonly #sink: StreamSink | undefined;
  readonly #writer: BatchedWriter | undefined;
  #events: ChannelEvents | undefined;
  #isWritingEnded = false;
  /** `close` or `destroy` was called, or the connection is lost. */
  #isEnding = false;
  /** We have destroyed it, which is no error. */
  #isDestroyed = false;
  #isClosed = false;
  #error: Error | undefined;

  constructor({ readable, writable }: StreamDirections) {
    this.#readable = readable;
    this.#writable = writable;
    if (writable !== undefined) {
      this.#sink = new StreamSink(writable);
      this.#writer = new BatchedWriter(this.#sink, this);
    }
    this.#stream.on("error", () => {});
  }

  get canEndWriting(): boolean {
    return this.#writable !== undefined;
  }

  bytesTaken(): void {
    this.#events!.bufferShrank();
  }

  get bufferedBytes(): number {
    return this.#writer?.bufferedBytes ?? 0;
  }

  start(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (!isFirst) return;
    const [readable, writable] = [this.#readable, this.#writable];
    // The end of one direction must not be taken for that of the other.
    if (isDuplex(readable) && writable !== undefined) readable.allowHalfOpen = true;
    if (readable?.readableEnded) process.nextTick(this.#onEnd);
    else readable?.once("end", this.#onEnd);
    writable?.once("finish", this.#onFinish);
    const directions = { readable: readable !== undefined, writable: writable !== undefined };
    finished(this.#stream, directions, this.#onFinished);
    // What flows out of one that has failed is dropped by the runtime.
    if (readable?.destroyed === false) readable.on("data", this.#onData).resume();
  }

  write(data: Uint8Array): void {
    this.#writer!.write(data);
  }

  endWriting(): void {
    this.#isWritingEnded = true;
    this.#writer!.flush();
    this.#writable!.end();
  }

  /** What still comes is dropped: who sends it may have to get rid of it before it takes ours. */
  close(): void {
    this.#isEnding = true;
    if (this.#writable === undefined) {
      if (!this.#readable!.readableEnded) this.#destroyStream();
      return;
    }
    this.endWriting();
    this.#readable?.resume();
    if (this.#writable.writableFinished) this.#onFinish();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#writer?.clear();
    this.#destroyStream();
  }

  /** As a socket of node:net does, if it is one or has learned it from them. */
  reset(): void {
    const stream = this.#stream as Socket;
    if (typeof stream.resetAndDestroy !== "function" || stream.destroyed) {
      this.destroy();
      return;
    }
    this.#isEnding = true;
    this.#isDestroyed = true;
    this.#writer?.clear();
    behindEnd(stream, () => {
      stream.resetAndDestroy();
      this.destroy();
    });
  }

  pause(): void {
    this.#readable?.pause();
  }

  resume(): void {
    this.#readable?.resume();
  }

  extraInfo(): undefined {
    return undefined;
  }

  releaseSocket(): undefined {
    return undefined;
  }

  get #stream(): Readable | Writable {
    return (this.#readable ?? this.#writable)!;
  }

  // What the stream tells.

  readonly #onData = (value: unknown): void => {
    if (this.#isEnding) return;
    try {
      const chunk = toChunk(value);
      if (chunk.length > 0) this.#events!.dataReceived(chunk);
    } catch (error) {
      this.#lose(toError(error));
    }
  };

  readonly #onEnd = (): void => {
    if (!this.#isEnding) this.#events!.eofReceived();
  };

  /** All is written. Of a Duplex the other direction may still be open. */
  readonly #onFinish = (): void => {
    if (!this.#isWritingEnded) this.#lose(new ConnectionResetError("The stream was ended by somebody else"));
    else if (this.#isEnding && this.#readable !== undefined) this.#destroyStream();
  };

  /** Its directions have ended, or it was destroyed. What had come before that is delivered. */
  readonly #onFinished = (error?: NodeJS.ErrnoException | null): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (error && !this.#isDestroyed) {
      const isPremature = error.code === "ERR_STREAM_PREMATURE_CLOSE";
      this.#error = isPremature
        ? new ConnectionResetError("The stream was destroyed before its end")
        : fromSystemError(error);
      this.#deliverLeftovers();
      this.destroy();
    }
    this.#isEnding = true;
    this.#events!.closed(this.#error);
  };

  #deliverLeftovers(): void {
    const readable = this.#readable?.off("data", this.#onData);
    for (let chunk: unknown; (chunk = readable?.read() ?? undefined) !== undefined;) this.#onData(chunk);
  }

  #lose(error: Error): void {
    this.#error ??= error;
    this.destroy();
  }

  #destroyStream(): void {
    this.#isDestroyed = true;
    this.#sink?.destroy();
    this.#stream.destroy();
    // It may be one that does not tell (`emitClose`).
    setImmediate(() => {
      if (this.#stream.closed && this.#events !== undefined) this.#onFinished();
    });
  }
}

function isDuplex(stream: Readable | Duplex | undefined): stream is Duplex {
  return stream !== undefined && "allowHalfOpen" in stream;
}
