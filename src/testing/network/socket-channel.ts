/** One end of a connection in memory. It behaves as a TCP socket on a loopback does, without one. */
import { ByteQueue } from "../../bytes/byte-queue.js";
import { BrokenPipeError, ConnectionResetError } from "../../errors.js";
import type { Endpoint } from "../../transport/endpoint.js";
import type { TransportSocket } from "../../transport/transport.js";
import type { Channel, ChannelEvents } from "../../backends/channel.js";
import { EndpointSocket } from "../../backends/endpoint-socket.js";
import type { Clock } from "../../waiting/clock.js";
import { Link } from "./link.js";

/** How much a receiving end takes before it is read from. */
export interface ReceiveWindow {
  /** How many more bytes it takes now, with `arrived` bytes that it has not delivered yet. */
  room(arrived: number): number;
  /** How many bytes it has taken that still count as with the sender. */
  excess(arrived: number): number;
  /** Another layer has taken the end over, such as TLS: it is asked no more. */
  takenOver(): void;
}

/** What a pair is made with. */
export interface PairOptions {
  /** What the first one sends goes by `there`, what the second one does by `back`. */
  readonly links?: readonly [there: Link, back: Link] | undefined;
  /** How much each end takes, the first one's first. Default: as the buffers of a kernel. */
  readonly windows?: readonly [ReceiveWindow, ReceiveWindow] | undefined;
  /** Called once for each end, when it is free. */
  readonly onClosed?: (() => void) | undefined;
}

export class MemoryChannel implements Channel {
  readonly socket: TransportSocket;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Carries what we send. */
  readonly #link: Link;
  #window: ReceiveWindow | undefined;
  readonly #onClosed: () => void;
  #peer!: MemoryChannel;
  #events: ChannelEvents | undefined;
  readonly #outgoing: ByteQueue = new ByteQueue();
  readonly #incoming: ByteQueue = new ByteQueue();
  /** What `bufferedBytes` was when our side last knew it. */
  #knownBuffered = 0;
  #isTurnScheduled = false;
  #isPaused = false;
  /** `close` or `destroy` was called. */
  #isEnding = false;
  /** `finish` was called. */
  #isFinishing = false;
  #isClosed = false;
  #isWritingEnded = false;
  /** The end of our direction, or a reset, is on its way. */
  #isEndSent = false;
  #hasPeerEnded = false;
  #isEofDelivered = false;
  /** What the peer's reset is told as; `undefined` for what the system says. */
  #resetAs: Error | undefined;
  /** Why the connection ends once what has come is delivered. */
  #loss: Error | undefined;
  #hasWritingFailed = false;

  /** Made by `pair`. */
  constructor(
    local: Endpoint,
    remote: Endpoint,
    link: Link,
    window: ReceiveWindow | undefined,
    onClosed: () => void,
  ) {
    this.local = local;
    this.remote = remote;
    this.#link = link;
    this.#window = window;
    this.#onClosed = onClosed;
    this.socket = new MemorySocket(local, remote);
  }

  /** Two ends that are connected with each other. */
  static pair(first: Endpoint, second: Endpoint, options: PairOptions = {}): [MemoryChannel, MemoryChannel] {
    const { links: [there, back] = [new Link(), new Link()], windows = [], onClosed = () => {} } = options;
    const one = new MemoryChannel(first, second, there, windows[0], onClosed);
    const two = new MemoryChannel(second, first, back, windows[1], onClosed);
    one.#peer = two;
    two.#peer = one;
    there.leadTo(two.#receiver);
    back.leadTo(one.#receiver);
    return [one, two];
  }

  /** What limits of time above it go by. */
  get clock(): Clock {
    return this.#link.conditions.clock;
  }

  get canEndWriting(): boolean {
    return true;
  }

  get bufferedBytes(): number {
    const peer = this.#peer;
    const excess = peer.#isClosed ? undefined : peer.#window?.excess(this.unacknowledgedBytes());
    return this.#outgoing.length + (excess ?? 0);
  }

  /** What the peer has not read, there being no kernel between. */
  unacknowledgedBytes(): number {
    return this.#link.bytesInFlight + this.#peer.#incoming.length;
  }

  start(events: ChannelEvents): void {
    if (this.#events !== undefined) {
      this.#window?.takenOver();
      this.#window = undefined;
    }
    this.#events = events;
    this.#schedule();
  }

  write(data: Uint8Array): void {
    this.#outgoing.push(Buffer.from(data));
    this.#knownBuffered = this.bufferedBytes;
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

  /** What comes is dropped, and does not reset the connection. */
  finish(): void {
    this.#isFinishing = true;
    this.close();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#isWritingEnded = true;
    this.#outgoing.skip(this.#outgoing.length);
    this.#knownBuffered = 0;
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

  /** Ends the connection by an RST: the peer gets an error, `error` if there is one, behind what was sent to it. */
  reset(error?: Error): void {
    this.#peer.#resetAs ??= error;
    if (!this.#isClosed) this.#sayReset();
    this.destroy();
  }

  /** The window of this end has changed: the peer may have more to send. */
  windowChanged(): void {
    this.#peer.#schedule();
  }

  /** What arrives from the peer. */
  readonly #receiver = {
    bytesArrived: (bytes: Uint8Array): void => {
      if (this.#isClosed) {
        if (!this.#isFinishing) this.#sayReset();
        return;
      }
      this.#incoming.push(bytes);
      this.#schedule();
    },
    endArrived: (): void => {
      this.#hasPeerEnded = true;
      this.#schedule();
    },
    /** As TCP has it: a reset after the peer's end means that nobody takes what we write. */
    resetArrived: (): void => {
      this.#loss ??= this.#resetAs ?? this.#toldAsReset();
      this.#schedule();
    },
  };

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
    const isRefused = this.#peer.#isClosed && this.#peer.#window !== undefined;
    // Without a window it is a reset that tells of it.
    if (this.#outgoing.length > 0 && isRefused) this.#loss ??= new BrokenPipeError("Broken pipe");
    if (this.#outgoing.length > 0 && this.#loss !== undefined) {
      this.#failWriting();
      return;
    }
    const size = Math.min(this.#outgoing.length, this.#room);
    if (size > 0 && (size === this.#outgoing.length || size >= this.#leastPiece)) {
      this.#link.send(this.#outgoing.take(size));
    }
    const buffered = this.bufferedBytes;
    if (buffered < this.#knownBuffered) {
      this.#knownBuffered = buffered;
      this.#events?.bufferShrank();
    }
    if (this.#outgoing.length === 0 && this.#isWritingEnded) this.#sayEnd();
  }

  /** What the link and the peer still take before the peer is read from, as the buffers of a kernel. */
  get #room(): number {
    const peer = this.#peer;
    const arrived = this.unacknowledgedBytes();
    return peer.#window?.room(arrived) ?? Math.max(0, this.#link.conditions.capacity - arrived);
  }

  /** Room below this is not used: where bytes go in fragments, these would become smaller and smaller. */
  get #leastPiece(): number {
    const { capacity, fragment } = this.#link.conditions;
    return fragment === Infinity ? 1 : Math.min(fragment, capacity / 2);
  }

  /** As TCP has it: who closes and leaves bytes unread resets the connection. */
  #sayEnd(): void {
    if (this.#loss !== undefined) return;
    if (this.#isEnding && this.#incoming.length > 0 && !this.#isFinishing) {
      this.#incoming.skip(this.#incoming.length);
      this.#sayReset();
    } else if (!this.#isEndSent) {
      this.#isEndSent = true;
      this.#link.sendEnd();
    }
  }

  #toldAsReset(): Error {
    return this.#hasPeerEnded
      ? new BrokenPipeError("Broken pipe")
      : new ConnectionResetError("Connection reset by peer");
  }

  #sayReset(): void {
    this.#isEndSent = true;
    this.#link.sendReset();
  }

  /** The peer is gone: what it had sent is delivered, even when paused, then the connection is lost. */
  #failWriting(): void {
    this.#outgoing.skip(this.#outgoing.length);
    if (this.#hasWritingFailed) return;
    this.#hasWritingFailed = true;
    if (!this.#isEnding) this.#events?.writingFailed();
  }

  #receive(): void {
    const events = this.#events;
    if (events === undefined) return;
    while (this.#incoming.length > 0 && this.#isFlowing) {
      const size = Math.min(this.#incoming.length, this.#peer.#link.conditions.fragment);
      events.dataReceived(this.#incoming.take(size));
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
    this.#sayEnd();
    this.#isClosed = true;
    this.#peer.#schedule();
    this.#events?.closed(error);
    this.#onClosed();
  }
}

/** There is no socket, so its switches do nothing. */
class MemorySocket extends EndpointSocket implements TransportSocket {
  setKeepAlive(): void {}
  setNoDelay(): void {}
  ref(): void {}
  unref(): void {}
}
