/** One connected socket of node:net, for TCP and Unix sockets, on Node.js, Bun and Deno. */
import type { Socket } from "node:net";
import { copyOf } from "../../bytes/copy-of.js";
import type { Endpoint } from "../../transport/endpoint.js";
import type { TransportSocket } from "../../transport/transport.js";
import type { Clock } from "../../waiting/clock.js";
import type { Channel, ChannelEvents } from "../channel.js";
import { BatchedWriter } from "./batched-writer.js";
import { keepFreedMemory } from "./freed-memory.js";
import { InPlaceReceiver, type OwnMemory } from "./receive-in-place.js";
import { nodeMajor } from "./runtime.js";
import { systemSendQueues } from "./send-queues.js";
import { PLAIN, type SocketManner } from "./socket-manner.js";
import { onceQuiet } from "./once-quiet.js";
import { SocketSink, type SinkOwner } from "./socket-sink.js";
import { NodeTransportSocket } from "./transport-socket.js";

/** In bytes: who closes hears of a reset behind so many, and lets the peer wait that sends more. */
const MOST_DROPPED = 65_536;

/** On a socket: its channel. So one set of listeners does for all sockets. */
const CHANNEL = Symbol("channel");

interface ChannelSocket extends Socket {
  [CHANNEL]: SocketChannel;
}

/** What all sockets call, each as `this`. */
interface Listeners {
  readonly data: (this: ChannelSocket, chunk: Buffer) => void;
  readonly end: (this: ChannelSocket) => void;
  readonly error: (this: ChannelSocket, error: Error) => void;
  readonly close: (this: ChannelSocket) => void;
}

export class SocketChannel implements Channel, SinkOwner {
  static {
    keepFreedMemory();
  }
  static readonly #listeners: Listeners = {
    data(chunk) {
      this[CHANNEL].#onData(chunk);
    },
    end() {
      this[CHANNEL].#onEnd();
    },
    error(error) {
      this[CHANNEL].#onError(error);
    },
    close() {
      this[CHANNEL].#onClose();
    },
  };
  static readonly #inPlace = new InPlaceReceiver<ChannelSocket>(function (bytes) {
    return this[CHANNEL].#onBytes(bytes);
  });
  readonly socket: TransportSocket | undefined;
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
  readonly #net: ChannelSocket;
  readonly #manner: SocketManner;
  /** Both made with the first write: many connections wait for a long time before they write. */
  #sink: SocketSink | undefined;
  #writer: BatchedWriter | undefined;
  #events: ChannelEvents | undefined;
  /** Where it receives, if not where all do. */
  #ownMemory: OwnMemory | undefined;
  #bytesDelivered = 0;
  /** Bytes that have come since we began to end the connection. */
  #dropped = 0;
  #hasPeerEnded = false;
  #isPaused = false;
  /** What a TLS engine has still delivered while paused. */
  #heldBack: Buffer[] = [];
  /** `close` or `destroy` was called. */
  #isEnding = false;
  /** Finished, and no error counts any more. */
  #isAllSent = false;
  #isReleased = false;
  #isClosed = false;
  #readError: Error | undefined;
  #writeError: Error | undefined;

  /** `below`: the socket that a TLS socket runs on. */
  constructor(
    socket: Socket,
    local: Endpoint | undefined,
    remote: Endpoint | undefined,
    manner: SocketManner = PLAIN,
    below?: TransportSocket,
  ) {
    this.#net = socket as ChannelSocket;
    this.#net[CHANNEL] = this;
    this.#manner = manner;
    this.local = local;
    this.remote = remote;
    this.socket = manner === PLAIN ? new NodeTransportSocket(socket, local!, remote) : below;
    const { error, close } = SocketChannel.#listeners;
    socket.on("error", error).on("close", close);
    if (socket.writableLength > 0) {
      this.#makeWriter();
      this.#sink!.awaitEarlierWrites();
    }
  }

  get canEndWriting(): boolean {
    return this.#manner.canEndWriting;
  }

  get clock(): Clock {
    return this.#manner.clock;
  }

  get bufferedBytes(): number {
    return this.#writer?.bufferedBytes ?? 0;
  }

  get bytesTakenEarly(): number {
    return this.#sink?.taken ?? 0;
  }

  unacknowledgedBytes(mostAge: number): number | undefined {
    const { below } = this.#manner;
    if (below === undefined) return systemSendQueues.sizeOf(this.local, this.remote, mostAge);
    return below.bufferedBytes - (below.bytesTakenEarly ?? 0) + (below.unacknowledgedBytes?.(mostAge) ?? 0);
  }

  start(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (!isFirst) return;
    if (this.#isClosed) process.nextTick(() => this.#onClose());
    if (this.#net.destroyed) return;
    const { data, end } = SocketChannel.#listeners;
    this.#net.on("data", data);
    if (this.#net.readableEnded) process.nextTick(() => this.#onEnd());
    else this.#net.on("end", end);
    this.#manner.watch?.(this.#net, (error) => this.#onTruncated(error));
    // A TLS engine delivers what it has decrypted whether the socket is paused or not.
    if (this.#manner === PLAIN) SocketChannel.#inPlace.begin(this.#net);
    this.#net.resume();
  }

  write(data: Uint8Array): void {
    (this.#writer ?? this.#makeWriter()).write(data);
  }

  flush(): void {
    this.#writer?.flush();
  }

  offerToKeep(): void {
    if (this.#manner === PLAIN) this.#ownMemory ??= SocketChannel.#inPlace.separate(this.#net);
  }

  endWriting(): void {
    this.#writer?.flush();
    this.#net.end();
  }

  close(): void {
    this.#isEnding = true;
    this.#writer?.flush();
    this.#manner.close(this.#net, (error) => this.#onError(error));
  }

  finish(): void {
    if (this.#manner.finish === undefined) {
      this.close();
      return;
    }
    this.#isEnding = true;
    this.#writer?.flush();
    // Who finishes looks at what comes.
    SocketChannel.#inPlace.end(this.#net);
    this.#manner.finish(this.#net, () => {
      this.#isAllSent = true;
    });
  }

  destroy(): void {
    this.#isEnding = true;
    this.#writer?.clear();
    this.#net.destroy();
  }

  reset(): void {
    if (this.#net.destroyed) return;
    this.#isEnding = true;
    this.#writer?.clear();
    this.#manner.reset(this.#net);
  }

  pause(): void {
    if (this.#writeError !== undefined) return;
    this.#isPaused = true;
    this.#manner.pause(this.#net);
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#heldBack.length > 0) process.nextTick(() => this.#deliverHeldBack());
    this.#manner.resume(this.#net);
  }

  extraInfo(name: string): unknown {
    return this.#manner.extraInfo(name);
  }

  releaseSocket(early: Uint8Array): Socket | undefined {
    if (this.#manner !== PLAIN) return undefined;
    const socket = this.#net;
    this.#writer?.flush();
    this.#isReleased = true;
    const { data, end, error, close } = SocketChannel.#listeners;
    socket.off("error", error).off("close", close);
    if (this.#events !== undefined) socket.off("data", data).off("end", end);
    socket.pause();
    for (const chunk of this.#takeHeldBack().toReversed()) socket.unshift(chunk);
    if (early.length > 0) socket.unshift(early);
    return socket;
  }

  #makeWriter(): BatchedWriter {
    this.#sink = new SocketSink(this.#net, this, this.#manner);
    return (this.#writer = new BatchedWriter(this.#sink, this));
  }

  // What its sink tells.

  bytesTaken(): void {
    if (!this.#net.destroyed) this.#events?.bufferShrank();
  }

  writeFailed(error: Error): void {
    // What a socket that is destroyed had not sent is cancelled: that is not why it ends.
    if (this.#writeError !== undefined || this.#net.destroyed) return;
    this.#writeError = error;
    this.#writer?.clear();
    if (this.#isEnding || this.#hasPeerEnded || this.#isReleased || this.#events === undefined) {
      this.#net.destroy(this.#isReleased ? error : undefined);
      return;
    }
    this.#events.writingFailed();
    this.resume();
    onceQuiet(
      () => (this.#net.destroyed ? undefined : this.#bytesDelivered),
      () => this.#net.destroy(),
    );
  }

  // Receiving.

  #onData(chunk: Buffer): void {
    if (this.#isEnding) return;
    if (this.#isPaused || this.#heldBack.length > 0) {
      this.#heldBack.push(chunk);
      return;
    }
    this.#bytesDelivered += chunk.length;
    this.#events!.dataReceived(chunk);
  }

  /** The memory of `bytes` is used again once this has returned. `false` ends reading, until `resume`. */
  #onBytes(bytes: Buffer): boolean {
    if (this.#isEnding) return (this.#dropped += bytes.length) < MOST_DROPPED;
    const taken = this.#isPaused || this.#heldBack.length > 0 ? 0 : this.#offer(bytes);
    this.#bytesDelivered += taken;
    if (taken < bytes.length) this.#onData(copyOf(taken > 0 ? bytes.subarray(taken) : bytes));
    return !this.#isPaused;
  }

  #offer(bytes: Buffer): number {
    return this.#events!.dataOffered?.(bytes, this.#ownMemory?.keepFor(bytes)) ?? 0;
  }

  #deliverHeldBack(): void {
    if (this.#isPaused || this.#heldBack.length === 0) return;
    // Paused again meanwhile, the rest is held back again.
    for (const chunk of this.#takeHeldBack()) this.#onData(chunk);
    if (this.#hasPeerEnded && this.#heldBack.length === 0) this.#onEnd();
  }

  #takeHeldBack(): Buffer[] {
    const chunks = this.#heldBack;
    this.#heldBack = [];
    return chunks;
  }

  #onEnd(): void {
    // Bun tells of an end also when it is we who destroy the socket.
    if (this.#net.destroyed) return;
    this.#hasPeerEnded = true;
    if (this.#heldBack.length > 0) return;
    if (this.#writeError !== undefined) this.#net.destroy();
    else if (MISTAKES_RST_FOR_FIN && !this.#manner.isEndCertain) this.#confirmEnd();
    else this.#events!.eofReceived();
  }

  /**
   * Reads once more: after an RST that fails, and the runtime destroys the socket; after a FIN nothing comes of it. Until
   * then the runtime must not destroy it on its own account, as it does at the end of both directions.
   */
  #confirmEnd(): void {
    const { _handle: handle, _readableState: state } = this.#net as unknown as SocketInside;
    state.autoDestroy = false;
    handle?.readStart();
    // The first turn may be the one that runs already: only between two of them the system is asked.
    setImmediate(() =>
      setImmediate(() => {
        if (this.#net.destroyed) return;
        state.autoDestroy = true;
        this.#events!.eofReceived();
        if (this.#net.writableFinished) this.#net.destroy();
      }),
    );
  }

  // The end.

  #onError(error: Error): void {
    if (!this.#isAllSent) this.#readError ??= error;
  }

  #onClose(): void {
    this.#isClosed = true;
    if (this.#events === undefined) return;
    if (!this.#isEnding) this.#deliverLeftovers();
    this.#tellClosed();
    // The runtime keeps a socket until the next full collection of garbage; what is above it need not wait for that.
    this.#events = NOBODY;
  }

  /** Without an error it counts as the end. While we end the connection, what is buffered is still sent. */
  #onTruncated(error: Error | undefined): void {
    if (this.#isEnding) return;
    if (error === undefined) {
      this.#onEnd();
      return;
    }
    this.#readError ??= error;
    this.#net.destroy();
  }

  /** What a paused socket had taken from the kernel before it was lost. */
  #deliverLeftovers(): void {
    this.#net.off("data", SocketChannel.#listeners.data);
    this.#isPaused = false;
    for (const chunk of this.#takeHeldBack()) this.#onData(chunk);
    for (let chunk: unknown = this.#net.read(); chunk !== null; chunk = this.#net.read()) {
      this.#onData(chunk as Buffer);
    }
  }

  #tellClosed(): void {
    const error = this.#writeError ?? this.#readError;
    this.#events!.closed(error === undefined ? undefined : this.#manner.toError(error));
  }
}

/** Who hears of a connection that has ended. */
const NOBODY: ChannelEvents = {
  dataReceived() {},
  eofReceived() {},
  bufferShrank() {},
  writingFailed() {},
  closed() {},
};

/** What `#confirmEnd` uses of the old versions of Node.js that need it. */
interface SocketInside {
  readonly _handle: { readStart: () => number } | null;
  readonly _readableState: { autoDestroy: boolean };
}

/** Node.js before 24 reports an RST that arrives together with data as the end of the stream. */
const MISTAKES_RST_FOR_FIN: boolean = nodeMajor > 0 && nodeMajor < 24;
