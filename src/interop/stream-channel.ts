/** Streams of node:stream as a channel: one Duplex, or only one direction. */
import { finished, type Readable, type Writable } from "node:stream";
import { isBytes } from "../checks.js";
import { kindOf } from "../describe.js";
import { ConnectionResetError } from "../errors.js";
import type { Channel, ChannelEvents } from "../backends/channel.js";
import { BatchedWriter } from "../backends/node/batched-writer.js";
import { fromSystemError } from "../backends/node/system-errors.js";

export class StreamChannel implements Channel {
  readonly socket: undefined;
  readonly local: undefined;
  readonly remote: undefined;
  readonly #readable: Readable | undefined;
  readonly #writable: Writable | undefined;
  readonly #writer: BatchedWriter | undefined;
  #events: ChannelEvents | undefined;
  /** Directions that have not ended. */
  readonly #open = new Set<"reading" | "writing">();
  /** `close` or `destroy` was called. */
  #isEnding = false;
  #error: Error | undefined;

  /** A Duplex is given as both. */
  constructor(readable: Readable | undefined, writable: Writable | undefined) {
    this.#readable = readable;
    this.#writable = writable;
    if (writable !== undefined) {
      this.#writer = new BatchedWriter(writable, () => this.#events!.bufferShrank());
    }
  }

  get canEndWriting(): boolean {
    return this.#writable !== undefined;
  }

  get bufferedBytes(): number {
    return this.#writer?.bufferedBytes ?? 0;
  }

  start(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (!isFirst) return;
    if (this.#readable !== undefined) {
      this.#open.add("reading");
      finished(this.#readable, { writable: false }, (error) => this.#ended("reading", error));
      this.#readable.on("data", this.#onData);
    }
    if (this.#writable !== undefined) {
      this.#open.add("writing");
      finished(this.#writable, { readable: false }, (error) => this.#ended("writing", error));
    }
  }

  write(data: Uint8Array): void {
    this.#writer!.write(data);
  }

  endWriting(): void {
    this.#writer!.flush();
    this.#writable!.end();
  }

  close(): void {
    this.#isEnding = true;
    if (this.#open.has("writing")) this.endWriting();
    else this.#destroyStreams();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#writer?.clear();
    this.#destroyStreams();
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

  // What the streams tell.

  readonly #onData = (chunk: unknown): void => {
    if (this.#isEnding) return;
    if (typeof chunk === "string") this.#events!.dataReceived(Buffer.from(chunk));
    else if (isBytes(chunk)) this.#events!.dataReceived(chunk);
    else this.#lose(new TypeError(`The stream gives ${kindOf(chunk)}, which is neither bytes nor a string`));
  };

  #ended(direction: "reading" | "writing", error: Error | null | undefined): void {
    this.#open.delete(direction);
    if (error) this.#fail(error);
    else if (this.#isEnding) this.#destroyStreams();
    else if (direction === "reading") this.#events!.eofReceived();
    if (this.#open.size === 0) this.#events!.closed(this.#error);
  }

  /** That a stream was destroyed before its end is no error when we have done it. */
  #fail(error: Error & { readonly code?: string }): void {
    const isPremature = error.code === "ERR_STREAM_PREMATURE_CLOSE";
    if (!isPremature) this.#lose(fromSystemError(error));
    else if (!this.#isEnding) this.#lose(new ConnectionResetError("The stream was destroyed before its end"));
  }

  /** The first error counts. What had come before it is delivered. */
  #lose(error: Error): void {
    this.#error ??= error;
    if (!this.#isEnding) this.#deliverLeftovers();
    this.#isEnding = true;
    this.#writer?.clear();
    this.#destroyStreams();
  }

  #deliverLeftovers(): void {
    const readable = this.#readable?.off("data", this.#onData);
    for (let chunk: unknown; (chunk = readable?.read() ?? undefined) !== undefined;) this.#onData(chunk);
  }

  #destroyStreams(): void {
    this.#readable?.destroy();
    this.#writable?.destroy();
  }
}
