/** The writing half of a stream: `write` never waits, `drain` does. */
import {
  ConnectionAbortedError,
  ConnectionResetError,
  InvalidStateError,
  PlaintextBufferedError,
} from "../errors.js";
import type { TlsOptions, TlsSettings } from "../transport/tls.js";
import type { BytesLike, ExtraInfo, StartableTransport, Transport } from "../transport/transport.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import { CancelScope } from "../waiting/cancel-scope.js";
import type { GateListener } from "../waiting/gate.js";
import { GracePeriod } from "../waiting/grace-period.js";
import { promised, SOON } from "../waiting/promised.js";
import { checkCloseOptions, type CloseOptions } from "./close-options.js";
import type { ReceiveBuffer } from "./receive-buffer.js";
import type { StreamProtocol } from "./stream-protocol.js";
import { checkStartTls, type StartTlsOptions, type TlsDefaults } from "./start-tls-options.js";

/** How long `[Symbol.asyncDispose]` waits for the peer to take what was written, in ms. */
const DISPOSE_LIMIT = 30_000;

/**
 * Writes a stream of bytes. As `asyncio.StreamWriter`; `openConnection()` and `startServer()` make them.
 *
 * ```ts
 * writer.write("hello\n");
 * await writer.drain();
 * ```
 */
export class StreamWriter implements AsyncDisposable {
  #transport: StartableTransport;
  readonly #protocol: StreamProtocol;
  readonly #tlsDefaults: TlsDefaults;
  /** How long `close()` may still take, once somebody has said so. */
  #grace: GracePeriod | undefined;
  #isUpgrading = false;

  /** Made by the functions that make connections. */
  constructor(transport: StartableTransport, protocol: StreamProtocol, tlsDefaults: TlsDefaults) {
    this.#transport = transport;
    this.#protocol = protocol;
    this.#tlsDefaults = tlsDefaults;
  }

  /** @internal That of the reader of the same connection. */
  static bufferOf(writer: StreamWriter): ReceiveBuffer {
    return writer.#protocol.buffer;
  }

  /** @internal Tells `listener` when the connection has ended. */
  static tellEnd(writer: StreamWriter, listener: GateListener): void {
    writer.#protocol.closedGate.tellEnd(listener);
  }

  /** @internal What its connection receives may be kept from now on, if that can be. */
  static offerToKeep(writer: StreamWriter): void {
    writer.#transport.offerToKeep?.();
  }

  /**
   * @internal Writes `data` at once where nobody would have to wait for that, and calls `keep` if it must stay unchanged
   * afterwards. Else it does nothing, and gives `false`.
   */
  static writeThrough(writer: StreamWriter, data: Uint8Array, keep: () => void): boolean {
    const transport = writer.#transport;
    const canWrite = writer.#protocol.drainGate.isOpen && !writer.#isUpgrading && !transport.isClosing();
    if (!canWrite || transport.writeThrough === undefined) return false;
    try {
      if (!transport.writeThrough(data)) keep();
      return true;
    } catch {
      // Whoever writes next hears of it.
      return false;
    }
  }

  /** @internal As `close()`, but what was written arrives although the peer may still be sending. */
  static finish(writer: StreamWriter): void {
    writer.#transport.finish();
  }

  /** What carries the bytes. After `startTls()` another one. */
  get transport(): Transport {
    return this.#transport;
  }

  /**
   * Takes `data` to be sent, and never waits: call `drain()` after it. What is written before the event loop turns leaves
   * in one system call where it fits. Up to 2 048 bytes are copied; a larger array must stay unchanged until the kernel
   * has it (`transport.getWriteBufferSize()` is 0) or the connection has ended. A string is sent as UTF-8. After
   * `close()` or the loss of the connection it is dropped, and `drain()` rejects. As `StreamWriter.write`.
   *
   * @throws TypeError if `data` is neither a Uint8Array nor a string
   * @throws InvalidStateError after `writeEof()`, even for no bytes
   */
  write(data: BytesLike): void {
    this.#checkNotUpgrading("write");
    this.#transport.write(data);
  }

  /** As `write` with each member in turn; if one cannot be written, none is. As `StreamWriter.writelines`. */
  writeLines(list: Iterable<BytesLike>): void {
    this.#checkNotUpgrading("writeLines");
    this.#transport.writeLines(list);
  }

  /**
   * As `write(data)` and then `drain(options)`. With a signal that is aborted already nothing is written. When the wait
   * ends at the bounds, `data` is written all the same, and sending goes on: do not write it again.
   *
   * @throws what `write()` and `drain()` throw; after `close()` or the loss of the connection `data` is dropped
   */
  async send(data: BytesLike, options?: WaitOptions): Promise<void> {
    const bounds = this.#bounds("send", options);
    this.write(data);
    await this.#room(bounds);
  }

  /**
   * Waits until there is room for more: at once while the transport's buffer is not above its high mark, else until it
   * has fallen to the low one or the connection has ended. Any number of callers may wait. As `StreamWriter.drain`.
   *
   * Cancel safety: given up, it has changed nothing; what was written is sent all the same.
   *
   * @throws ConnectionResetError after `close()` or the loss of the connection; if it was lost with an error, that error
   */
  drain(options?: WaitOptions): Promise<void> {
    return promised(() => this.#room(this.#bounds("drain", options)));
  }

  /**
   * Waits until the kernel has all that was written, and not only until there is room for more. That the peer has it, no
   * kernel tells. Whoever goes on writing keeps it waiting. When `close()` is called it goes on: what is written is still
   * sent. At the bounds it rejects, and sending goes on. Any number of callers may wait.
   *
   * @throws ConnectionResetError after `close()` or the loss of the connection, and when what was written is dropped, as by
   *   `transport.abort()`; if the connection was lost with an error, that error
   */
  async flush(options?: WaitOptions): Promise<void> {
    const bounds = this.#bounds("flush", options);
    this.#checkOpen();
    if (this.#transport.getWriteBufferSize() > 0) await this.#protocol.flushGate.pass(bounds);
  }

  /**
   * Stops reading, sends what was written, then ends the connection; `waitClosed()` waits for that. Idempotent. Without
   * `timeout` it has no limit of time; `transport.abort()` ends at once, and `await using` after 30 s. As
   * `StreamWriter.close`.
   *
   * @throws TypeError or RangeError for wrong options; the connection goes on
   */
  close(options?: CloseOptions): void {
    const { timeout } = checkCloseOptions(options);
    this.#transport.close();
    if (timeout === undefined) return;
    const { buffer, closedGate } = this.#protocol;
    const grace = (this.#grace ??= new GracePeriod(buffer.clock, () => this.#transport.abort()));
    grace.endWithin(timeout);
    const cancel = () => grace.cancel();
    closedGate.pass().then(cancel, cancel);
  }

  /** Whether `close()` was called or the connection is lost. */
  isClosing(): boolean {
    return this.#transport.isClosing();
  }

  /**
   * Waits until the connection has ended and its socket is free; does not itself close it. Any number of callers, at any
   * time, each on its own. As `StreamWriter.wait_closed`.
   *
   * Cancel safety: given up, it has changed nothing; others go on waiting.
   *
   * @throws the error with which the connection was lost, if it was
   */
  async waitClosed(options?: WaitOptions): Promise<void> {
    return this.#protocol.closedGate.pass(this.#bounds("waitClosed", options));
  }

  /** Whether our direction can be ended alone. */
  canWriteEof(): boolean {
    return this.#transport.canWriteEof();
  }

  /**
   * Ends our direction behind what was written; reading goes on. Again, or after `close()`: no effect.
   *
   * @throws NotImplementedError over TLS, which ends as a whole
   */
  writeEof(): void {
    this.#checkNotUpgrading("writeEof");
    this.#transport.writeEof();
  }

  /**
   * What is known of the connection: `socket`, `peername`, `sockname`; also after its end. `fallback` for what is not
   * known. As `StreamWriter.get_extra_info`.
   */
  getExtraInfo<Key extends keyof ExtraInfo>(name: Key): ExtraInfo[Key] | undefined;
  getExtraInfo<Key extends keyof ExtraInfo, Default>(name: Key, fallback: Default): ExtraInfo[Key] | Default;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback?: unknown): unknown {
    return this.#transport.getExtraInfo(name, fallback);
  }

  /**
   * Puts TLS on this connection, behind what was written; reader and writer go on with it. As `StreamWriter.start_tls`.
   *
   * `context` are options of `node:tls`; on a client `true` stands for the defaults. Each call makes
   * a context of them: a server had better make one with `tls.createSecureContext()` and give it as `{ secureContext }`. Bytes that were received before go
   * into the TLS engine: a ClientHello that came early is taken up, and plain text that somebody has slipped in fails the
   * handshake, so no plain byte can be read after the upgrade. During the handshake reads and writes fail with
   * InvalidStateError; `close()` gives it up. A failed upgrade closes the connection.
   *
   * `signal` and `timeout` bound all of it. While it sends what was written before, the connection goes on when they end
   * it; then, in the handshake, that is a failure like any other.
   *
   * @throws InvalidStateError while a read is pending, and after `writeEof()`; that read and the connection go on
   * @throws CertificateError, TlsError, TlsHandshakeTimeoutError, ConnectionResetError: the handshake failed, or the
   *   connection was lost; PlaintextBufferedError with `buffered: "reject"`
   * @throws TypeError or RangeError for wrong arguments, and what node:tls says of wrong certificates; the connection goes on
   */
  async startTls(context: TlsOptions | true, options?: StartTlsOptions): Promise<void> {
    const { buffer } = this.#protocol;
    const { buffered, settings, bounds } = checkStartTls(context, options, this.#tlsDefaults, buffer.clock);
    bounds.throwIfAborted();
    buffer.lock("startTls");
    this.#isUpgrading = true;
    const scope = new CancelScope(bounds);
    try {
      const prepared = this.#transport.prepareTls(settings);
      await this.#room(bounds);
      // Closed while this waited: what was written is still sent.
      if (this.isClosing()) throw new ConnectionAbortedError("The connection was closed during startTls()");
      scope.signal.throwIfAborted();
      await this.#upgrade(prepared, buffered, scope.signal);
    } finally {
      scope.dispose();
      this.#isUpgrading = false;
      buffer.unlock();
    }
  }

  /**
   * `close()`, then waits for the end: at most 30 s, after which the connection is aborted. Never throws for a lost
   * connection, so that it cannot hide an error of the block it ends; `drain()` and `waitClosed()` tell of the loss.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close({ timeout: DISPOSE_LIMIT });
    try {
      await this.waitClosed();
    } catch {
      // The connection has ended, which is all that is wanted here.
    }
  }

  #bounds(method: string, options: WaitOptions | undefined): Bounds | undefined {
    return Bounds.of(method, options, this.#protocol.buffer.clock);
  }

  #checkOpen(): void {
    const error = this.#protocol.buffer.exception;
    if (error !== undefined) throw error;
    if (this.#transport.isClosing()) throw new ConnectionResetError("Connection lost");
  }

  /** Most calls of `drain()` have nothing to wait for, and cost no promise. */
  #room(bounds: Bounds | undefined): Promise<void> {
    this.#checkOpen();
    return this.#protocol.drainGate.isOpen ? SOON : this.#protocol.drainGate.pass(bounds);
  }

  /** Whatever comes of it, nothing that was received before can be read any more. */
  async #upgrade(settings: TlsSettings, buffered: "feed" | "reject", signal: AbortSignal): Promise<void> {
    const { buffer } = this.#protocol;
    try {
      const early = buffer.takeBack();
      if (buffered === "reject" && early.length > 0) throw new PlaintextBufferedError(early.length);
      if (buffer.isEnded) throw new ConnectionResetError("The peer has ended the connection before TLS");
      const upgraded = await this.#transport.upgradeTls(settings, early, signal);
      this.#transport = upgraded;
      upgraded.start(this.#protocol);
    } catch (error) {
      this.#transport.abort();
      throw error;
    }
  }

  #checkNotUpgrading(method: string): void {
    if (this.#isUpgrading) throw new InvalidStateError(`${method}() called during startTls()`);
  }
}
