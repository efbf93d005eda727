/** One end of a connection in memory. It behaves as a TCP socket on a loopback does, without one. */
import { ByteQueue } from "../../bytes/byte-queue.js";
import { BrokenPipeError, ConnectionResetError } from "../../errors.js";
import { toSocketAddress, type Endpoint, type SocketAddress } from "../../transport/endpoint.js";
import type { TransportSocket } from "../../transport/transport.js";
import type { Channel, ChannelEvents } from "../channel.js";

/** How many bytes the receiving end takes before it is read from, as the buffers of a kernel. */
const CAPACITY = 65_536;

export class MemoryChannel implements Channel {
  readonly socket: TransportSocket;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  #peer!: MemoryChannel;
  #events: ChannelEvents | undefined;
  readonly #outgoing: ByteQueue = new ByteQueue();
  readonly #incoming: ByteQueue = new ByteQueue();
  #isTurnScheduled = false;
  #isPaused = false;
  /** `close` or `destroy` was called. */
  #isEnding = false;
  #isClosed = false;
  #isWritingEnded = false;
  #hasPeerEnded = false;
  #isEofDelivered = false;
  /** Why the connection ends once what has come is delivered. */
  #loss: Error | undefined;
  #hasWritingFailed = false;

  constructor(local: Endpoint, remote: Endpoint) {
    this.local = local;
    this.remote = remote;
    this.socket = new MemorySocket(local, remote);
  }

  /** Two ends that are connected with each other. */
  static pair(first: Endpoint, second: Endpoint): [MemoryChannel, MemoryChannel] {
    const one = new MemoryChannel(first, second);
    const two = new MemoryChannel(second, first);
    one.#peer = two;
    two.#peer = one;
    return [one, two];
  }

  get canEndWriting(): boolean {
    return true;
  }

  get bufferedBytes(): number {
    return this.#outgoing.length;
  }

  get bytesTakenEarly(): number {
    return 0;
  }

  /** What the peer has not read, there being no kernel between. */
  unacknowledgedBytes(): number {
    return this.#peer.#incoming.length;
  }

  start(events: ChannelEvents): void {
    this.#events = events;
    this.#schedule();
  }

  write(data: Uint8Array): void {
    this.#outgoing.push(Buffer.from(data));
    this.#schedule();
  }

  endWriting(): void {
    this.#isWritingEnded = true;
    this.#schedule();
  }

  close(): void {
    this.#isEnding = true;
    this.#isWritingEnded = true;
    this.#schedule();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#isWritingEnded = true;
    this.#outgoing.skip(this.#outgoing.length);
    this.#schedule();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  extraInfo(): undefined {
    return undefined;
  }

  releaseSocket(): undefined {
    return undefined;
  }

  /** As an RST does: the peer gets an error behind what it has received. */
  reset(): void {
    if (this.#isClosed) return;
    this.#peer.#loss ??= new ConnectionResetError("Connection reset by peer");
    this.destroy();
  }

  // One turn moves what can be moved. Nothing is delivered within a call of the transport.

  #schedule(): void {
    if (this.#isTurnScheduled || this.#isClosed) return;
    this.#isTurnScheduled = true;
    queueMicrotask(() => {
      this.#isTurnScheduled = false;
      if (!this.#isClosed) this.#turn();
    });
  }

  #turn(): void {
    this.#send();
    if (!this.#isEnding) this.#receive();
    const isSent = this.#outgoing.length === 0 && this.#isWritingEnded;
    if (this.#hasWritingFailed && this.#isEnding) this.#close(this.#loss);
    else if (isSent && (this.#isEnding || this.#isEofDelivered)) this.#close(undefined);
  }

  #send(): void {
    const peer = this.#peer;
    if (this.#outgoing.length > 0 && (peer.#isClosed || this.#loss !== undefined)) {
      this.#failWriting();
      return;
    }
    const size = Math.min(this.#outgoing.length, CAPACITY - peer.#incoming.length);
    if (size > 0) {
      peer.#incoming.push(this.#outgoing.take(size));
      peer.#schedule();
      this.#events?.bufferShrank();
    }
    if (this.#outgoing.length === 0 && this.#isWritingEnded && !peer.#hasPeerEnded) {
      peer.#hasPeerEnded = true;
      peer.#schedule();
    }
  }

  /** The peer is gone: what it had sent is delivered, even when paused, then the connection is lost. */
  #failWriting(): void {
    this.#outgoing.skip(this.#outgoing.length);
    this.#loss ??= new BrokenPipeError("Broken pipe");
    if (this.#hasWritingFailed) return;
    this.#hasWritingFailed = true;
    if (!this.#isEnding) this.#events?.writingFailed();
  }

  #receive(): void {
    const events = this.#events;
    if (events === undefined) return;
    while (this.#incoming.length > 0 && this.#isFlowing) {
      events.dataReceived(this.#incoming.take(this.#incoming.length));
      this.#peer.#schedule();
    }
    if (this.#incoming.length > 0 || !this.#isFlowing || this.#isEnding) return;
    if (this.#loss !== undefined) this.#close(this.#loss);
    else if (this.#hasPeerEnded && !this.#isEofDelivered) {
      this.#isEofDelivered = true;
      events.eofReceived();
    }
  }

  get #isFlowing(): boolean {
    return !this.#isEnding && (!this.#isPaused || this.#hasWritingFailed);
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#peer.#hasPeerEnded = true;
    this.#peer.#schedule();
    this.#events?.closed(error);
  }
}

/** There is no socket, so its switches do nothing. */
class MemorySocket implements TransportSocket {
  readonly #local: Endpoint;
  readonly #remote: Endpoint;

  constructor(local: Endpoint, remote: Endpoint) {
    this.#local = local;
    this.#remote = remote;
  }

  get family(): "IPv4" | "IPv6" | "Unix" {
    if (this.#local.kind === "unix") return "Unix";
    return this.#local.family === 4 ? "IPv4" : "IPv6";
  }

  getsockname(): SocketAddress {
    return toSocketAddress(this.#local);
  }

  getpeername(): SocketAddress {
    return toSocketAddress(this.#remote);
  }

  setKeepAlive(): void {}
  setNoDelay(): void {}
  ref(): void {}
  unref(): void {}
}
