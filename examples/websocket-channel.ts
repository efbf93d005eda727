// Streams over WebSockets of the package ws: a Channel, which is all that a transport of one's own needs.
import { ConnectionResetError } from "asyncio-streams";
import type { Channel, ChannelEvents } from "asyncio-streams/transport";
import type { RawData, WebSocket } from "ws";

/** A WebSocket that is open. Its messages are bytes of a stream; where one ends means nothing. */
export class WebSocketChannel implements Channel {
  /** No socket of ours, and no addresses: `getExtraInfo` does not know them. */
  readonly socket: undefined;
  readonly local: undefined;
  readonly remote: undefined;
  /** A WebSocket ends as a whole. */
  readonly canEndWriting = false;
  readonly #webSocket: WebSocket;
  #events: ChannelEvents | undefined;
  #batch: Uint8Array[] = [];
  #unsent = 0;
  #isPaused = false;
  /** Messages that have come while paused: `pause()` of ws still delivers those that it has in hand. */
  #heldBack: Buffer[] = [];
  #isEnding = false;
  #isDestroyed = false;
  #hasEnded = false;
  #closeCode: number | undefined;
  #error: Error | undefined;

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
    webSocket.pause();
    webSocket.on("message", (data) => this.#received(toBuffer(data)));
    webSocket.on("error", (error) => (this.#error ??= error));
    webSocket.on("close", (code) => {
      this.#closeCode = code;
      this.#deliver();
    });
  }

  get bufferedBytes(): number {
    return this.#unsent;
  }

  start(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (!isFirst) return;
    setImmediate(() => this.#deliver());
    this.#webSocket.resume();
  }

  /** What is written within a tick becomes one message. */
  write(data: Uint8Array): void {
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    // Small arrays may change after the call, as everywhere in this library.
    this.#batch.push(data.length > 2048 ? data : Buffer.from(data));
    this.#unsent += data.length;
  }

  endWriting(): never {
    throw new Error("not called, as canEndWriting is false");
  }

  close(): void {
    this.#isEnding = true;
    this.#webSocket.resume();
    this.#flush();
    this.#closeIfSent();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#isDestroyed = true;
    this.#batch = [];
    this.#unsent = 0;
    this.#webSocket.terminate();
  }

  /** WebSockets know no reset. */
  reset(): void {
    this.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#webSocket.resume();
    if (this.#heldBack.length > 0 || this.#closeCode !== undefined) setImmediate(() => this.#deliver());
  }

  extraInfo(): undefined {
    return undefined;
  }

  releaseSocket(): undefined {
    return undefined;
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const message = Buffer.concat(this.#batch);
    this.#batch = [];
    this.#webSocket.send(message, { binary: true }, () => {
      if (this.#isDestroyed || this.#hasEnded) return;
      this.#unsent -= message.length;
      this.#events!.bufferShrank();
      this.#closeIfSent();
    });
  }

  #received(chunk: Buffer): void {
    this.#heldBack.push(chunk);
    this.#deliver();
  }

  /** Hands over what has come, and behind it the end. */
  #deliver(): void {
    if (this.#events === undefined || this.#hasEnded) return;
    while (this.#heldBack.length > 0 && !this.#isPaused && !this.#isEnding) {
      const chunk = this.#heldBack.shift()!;
      if (chunk.length > 0) this.#events.dataReceived(chunk);
    }
    const isDelivered = this.#heldBack.length === 0 || this.#isEnding;
    if (this.#closeCode !== undefined && isDelivered) this.#end(this.#closeCode);
  }

  /** 1000 and 1005 are regular ends; any other one is a loss. */
  #end(code: number): void {
    this.#hasEnded = true;
    const isRegular = this.#isDestroyed || code === 1000 || code === 1005;
    if (isRegular && !this.#isEnding) this.#events!.eofReceived();
    const lost = new ConnectionResetError(`The WebSocket was closed with code ${code}`, {
      cause: this.#error,
    });
    setImmediate(() => this.#events!.closed(isRegular ? undefined : lost));
  }

  #closeIfSent(): void {
    if (this.#isEnding && this.#unsent === 0) this.#webSocket.close(1000);
  }
}

function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
