/** The transport of every backend: all rules on states, limits and flow control, above a channel that has none. */
import { toBytes, toBytesList } from "../bytes/to-bytes.js";
import { Watermarks } from "../bytes/watermarks.js";
import { checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import {
  ConnectionAbortedError,
  ConnectionResetError,
  InvalidStateError,
  NotImplementedError,
  toError,
} from "../errors.js";
import { toSocketAddress } from "../transport/endpoint.js";
import type { Liveness } from "../transport/liveness.js";
import type { Protocol } from "../transport/protocol.js";
import type { PreparedTls, TlsSettings } from "../transport/tls.js";
import type { BytesLike, ExtraInfo, StartableTransport, WriteBufferLimits } from "../transport/transport.js";
import type { Channel, ChannelEvents } from "./channel.js";
import { IdleWatch, type IdleWatched } from "./idle-watch.js";
import { StallWatch, type StallWatched } from "./stall-watch.js";
import { prepareTls } from "./tls/handshake.js";
import { secure } from "./tls/secure.js";

/** As asyncio's marks, in bytes: the low one is a quarter. */
const DEFAULT_HIGH = 65_536;
const DEFAULT_HIGH_TLS = 524_288;

/** What is known of every connection. */
const SOCKET_INFO: Readonly<Record<string, (channel: Channel) => unknown>> = {
  socket: ({ socket }) => socket,
  peername: ({ remote }) => remote && toSocketAddress(remote),
  sockname: ({ local }) => local && toSocketAddress(local),
};

export class ChannelTransport implements StartableTransport, ChannelEvents, IdleWatched, StallWatched {
  readonly #channel: Channel;
  readonly #marks: Watermarks;
  #protocol: Protocol | undefined;
  #isEofWritten = false;
  #isReadingPaused = false;
  #isClosing = false;
  #isAborted = false;
  #isUpgrading = false;
  #failure: Error | undefined;
  #liveness: Liveness | undefined;
  #idleWatch: IdleWatch | undefined;
  #stallWatch: StallWatch | undefined;
  /** The peer is gone: what is written is lost, and the protocol stays paused until it hears of the end. */
  #hasWritingFailed = false;

  /** `liveness`: what `start` is not told again. */
  constructor(channel: Channel, liveness?: Liveness) {
    this.#channel = channel;
    this.#liveness = liveness;
    const high = this.#defaultHigh;
    this.#marks = new Watermarks(high, high / 4);
  }

  start(protocol: Protocol, liveness: Liveness | undefined = this.#liveness): void {
    this.#protocol = protocol;
    this.#liveness = liveness;
    this.#channel.start(this);
    if (liveness !== undefined) this.#watch(liveness);
    protocol.connectionMade(this);
  }

  // For whoever writes.

  write(data: BytesLike): void {
    const bytes = toBytes(data);
    this.#checkWritable("write");
    this.#send(bytes);
  }

  writeLines(list: Iterable<BytesLike>): void {
    this.#checkWritable("writeLines");
    const lines = toBytesList(list);
    for (const line of lines) this.#send(line);
  }

  writeThrough(data: Uint8Array): boolean {
    this.#checkWritable("write");
    this.#send(data);
    this.#channel.flush?.();
    return this.#channel.bufferedBytes === 0;
  }

  writeEof(): void {
    this.#checkNotUpgraded("writeEof");
    if (this.#isClosing || this.#isEofWritten) return;
    if (!this.#channel.canEndWriting) {
      throw new NotImplementedError("TLS cannot end one direction alone: close() ends both");
    }
    this.#isEofWritten = true;
    if (!this.#hasWritingFailed) this.#channel.endWriting();
  }

  canWriteEof(): boolean {
    return this.#channel.canEndWriting;
  }

  setWriteBufferLimits(limits?: WriteBufferLimits): void {
    const { high, low } = checkOptions<WriteBufferLimits>("setWriteBufferLimits()", limits, ["high", "low"]);
    checkMark("high", high);
    checkMark("low", low);
    const newHigh = high ?? (low === undefined ? this.#defaultHigh : 4 * low);
    const newLow = low ?? Math.floor(newHigh / 4);
    if (!(newHigh >= newLow && newLow >= 0)) {
      throw new RangeError(`high (${newHigh}) must be >= low (${newLow}) must be >= 0`);
    }
    this.#marks.move(newHigh, newLow);
    this.#pauseWritingIfFull();
  }

  getWriteBufferLimits(): [low: number, high: number] {
    return [this.#marks.low, this.#marks.high];
  }

  getWriteBufferSize(): number {
    return this.#channel.bufferedBytes - (this.#channel.bytesTakenEarly ?? 0);
  }

  // For whoever reads.

  pauseReading(): void {
    if (this.#isClosing || this.#isUpgrading || this.#isReadingPaused) return;
    this.#isReadingPaused = true;
    this.#channel.pause();
  }

  resumeReading(): void {
    if (this.#isClosing || this.#isUpgrading || !this.#isReadingPaused) return;
    this.#isReadingPaused = false;
    this.#idleWatch?.restart();
    this.#channel.resume();
  }

  offerToKeep(): void {
    this.#channel.offerToKeep?.();
  }

  isReading(): boolean {
    return !this.#isClosing && !this.#isReadingPaused;
  }

  // The end, and what is known.

  close(): void {
    this.#end(() => this.#channel.close());
  }

  finish(): void {
    this.#end(() => (this.#channel.finish === undefined ? this.#channel.close() : this.#channel.finish()));
  }

  abort(): void {
    this.#isClosing = true;
    this.#isAborted = true;
    this.#stopWatches();
    this.#channel.destroy();
  }

  reset(): void {
    this.#isClosing = true;
    this.#isAborted = true;
    this.#stopWatches();
    this.#channel.reset();
  }

  isClosing(): boolean {
    return this.#isClosing;
  }

  getExtraInfo<Key extends keyof ExtraInfo>(name: Key): ExtraInfo[Key] | undefined;
  getExtraInfo<Key extends keyof ExtraInfo, Default>(name: Key, fallback: Default): ExtraInfo[Key] | Default;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback?: unknown): unknown {
    if (typeof name !== "string") throw new TypeError(`name must be a string, not ${kindOf(name)}`);
    const value = Object.hasOwn(SOCKET_INFO, name)
      ? SOCKET_INFO[name]!(this.#channel)
      : this.#channel.extraInfo(name);
    return value ?? fallback;
  }

  prepareTls(settings: TlsSettings): PreparedTls {
    this.#checkWritable("startTls");
    return prepareTls(settings);
  }

  async upgradeTls(
    settings: TlsSettings,
    early: Uint8Array,
    signal: AbortSignal,
  ): Promise<StartableTransport> {
    if (this.#isClosing) throw new ConnectionResetError("Connection lost");
    const prepared = this.prepareTls(settings);
    this.#isUpgrading = true;
    this.#stopWatches();
    try {
      const secured = await secure(this.#channel, prepared, early, signal);
      // What was set on the socket stays.
      return new ChannelTransport(secured, this.#liveness && { ...this.#liveness, keepAlive: undefined });
    } catch (failure) {
      this.#channel.destroy();
      const error = this.#isAborted
        ? new ConnectionAbortedError("The connection was closed during the TLS handshake")
        : failure;
      this.closed(toError(error));
      throw error;
    }
  }

  // What the channel tells.

  dataOffered(bytes: Uint8Array, keep?: () => void): number {
    if (this.#isClosing) return 0;
    const taken = this.#protocol!.dataOffered?.(bytes, keep) ?? 0;
    if (taken > 0) this.#idleWatch?.restart();
    return taken;
  }

  dataReceived(chunk: Uint8Array): void {
    if (this.#isClosing) return;
    this.#idleWatch?.restart();
    try {
      this.#protocol!.dataReceived(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  eofReceived(): void {
    if (this.#isClosing) return;
    this.#stopIdleWatch();
    try {
      if (!this.#protocol!.eofReceived() || !this.#channel.canEndWriting) this.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  bufferShrank(): void {
    if (this.#hasWritingFailed) return;
    const { bufferedBytes } = this.#channel;
    if (this.#marks.becomesFree(bufferedBytes)) this.#protocol!.resumeWriting();
    if (bufferedBytes === 0) this.#protocol!.writeBufferEmptied();
  }

  writingFailed(): void {
    this.#hasWritingFailed = true;
    if (!this.#marks.isFull) this.#protocol!.pauseWriting();
  }

  closed(error: Error | undefined): void {
    this.#isClosing = true;
    this.#stopWatches();
    this.#protocol?.connectionLost(this.#failure ?? (this.#isAborted ? undefined : error));
  }

  // What its watches ask for.

  unacknowledgedBytes(mostAge: number): number | undefined {
    return this.#channel.unacknowledgedBytes?.(mostAge);
  }

  endWith(error: Error): void {
    this.#failure ??= error;
    this.abort();
  }

  // Steps.

  #watch({ keepAlive, idle, writeStall, clock }: Liveness): void {
    if (keepAlive !== undefined) {
      this.#channel.socket?.setKeepAlive(keepAlive !== false, keepAlive === true ? 0 : Number(keepAlive));
    }
    if (idle !== undefined) {
      this.#idleWatch = new IdleWatch(idle, clock, this);
      this.#idleWatch.restart();
    }
    if (writeStall !== undefined) this.#stallWatch = new StallWatch(writeStall, clock, this);
  }

  #stopWatches(): void {
    this.#stopIdleWatch();
    this.#stallWatch?.stop();
    this.#stallWatch = undefined;
  }

  #stopIdleWatch(): void {
    this.#idleWatch?.stop();
    this.#idleWatch = undefined;
  }

  /** `endChannel` sends what is buffered before it ends. */
  #end(endChannel: () => void): void {
    if (this.#isClosing) return;
    if (this.#isUpgrading) {
      this.abort();
      return;
    }
    this.#isClosing = true;
    this.#stopIdleWatch();
    if (this.#hasWritingFailed) this.#channel.destroy();
    else endChannel();
  }

  get #defaultHigh(): number {
    return this.#channel.canEndWriting ? DEFAULT_HIGH : DEFAULT_HIGH_TLS;
  }

  /** The protocol threw: the connection ends with what it threw. */
  #fail(error: unknown): void {
    this.endWith(toError(error));
  }

  #checkWritable(method: string): void {
    this.#checkNotUpgraded(method);
    if (this.#isEofWritten) throw new InvalidStateError(`Cannot call ${method}() after writeEof()`);
  }

  /** Under TLS nothing plain may be sent. */
  #checkNotUpgraded(method: string): void {
    if (this.#isUpgrading && !this.#isClosing)
      throw new InvalidStateError(`Cannot call ${method}() below TLS`);
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#isClosing || this.#hasWritingFailed) return;
    this.#channel.write(bytes);
    this.#stallWatch?.wrote(bytes.length);
    this.#pauseWritingIfFull();
  }

  #pauseWritingIfFull(): void {
    if (this.#hasWritingFailed || this.#isClosing) return;
    if (this.#marks.becomesFull(this.#channel.bufferedBytes)) this.#protocol?.pauseWriting();
  }
}

function checkMark(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number of bytes, not ${kindOf(value)}`);
}
