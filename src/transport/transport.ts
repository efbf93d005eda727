/** The lower side of the seam: one connection that carries bytes both ways. */
import type { SocketAddress } from "./endpoint.js";
import type { Liveness } from "./liveness.js";
import type { Protocol } from "./protocol.js";
import type { PreparedTls, TlsSettings } from "./tls.js";
import type { PeerCertificate, SecureContext, TLSSocket } from "node:tls";

/** What the writing methods take. A string is sent as UTF-8. */
export type BytesLike = Uint8Array | string;

/** Marks in bytes; what is left out follows from the other one, or from the defaults 65 536 and 16 384. */
export interface WriteBufferLimits {
  readonly high?: number | undefined;
  readonly low?: number | undefined;
}

/** A cipher suite, as node:tls names it. */
export interface CipherInfo {
  readonly name: string;
  readonly standardName: string;
  readonly version: string;
}

/** What `getExtraInfo` knows of TLS, by key. */
export interface TlsExtraInfo {
  /** The peer's certificate; not there if it has shown none. */
  readonly peercert: PeerCertificate;
  readonly cipher: CipherInfo;
  /** Never there: no runtime compresses TLS. */
  readonly compression: string;
  readonly sslcontext: SecureContext;
  readonly sslObject: TLSSocket;
  /** The protocol that both sides agreed on by ALPN. */
  readonly alpnProtocol: string;
  /** Such as `"TLSv1.3"`. */
  readonly tlsVersion: string;
  /** The host name that the client asked for. */
  readonly servername: string;
  /** Whether the peer's certificate was verified. */
  readonly authorized: boolean;
  /** Whether the peer has announced the end; known with `truncation: "report"` or `"error"`. */
  readonly closeNotifyReceived: boolean;
}

/** What `getExtraInfo` knows, by key. It stays known after the connection has ended. */
export interface ExtraInfo extends TlsExtraInfo {
  /** The socket, without what would get in the way of the stream. */
  readonly socket: TransportSocket;
  /** Where the peer is. `""` for a Unix socket that is not bound to a path. */
  readonly peername: SocketAddress;
  /** Where our own end is. */
  readonly sockname: SocketAddress;
}

/** What may be done to the socket below a stream. The calls have no effect after the connection has ended. */
export interface TransportSocket {
  readonly family: "IPv4" | "IPv6" | "Unix";
  getsockname(): SocketAddress;
  getpeername(): SocketAddress;
  /** TCP keepalive, with the first probe after `initialDelay` ms of silence (0: the system's default; at most 32 767 s). */
  setKeepAlive(enable: boolean, initialDelay?: number): void;
  /** TCP_NODELAY; a stream's socket has it on from the start. */
  setNoDelay(enable: boolean): void;
  /** Lets the process wait for this connection (the default), or end without it. */
  ref(): void;
  unref(): void;
}

/** A connection under a stream. As `asyncio.Transport`. */
export interface Transport {
  /**
   * Takes `data` to be sent; never waits. Dropped once the transport is closing.
   * Up to 2 048 bytes are copied; a larger array must stay unchanged until it is with the kernel (`getWriteBufferSize()`
   * is 0) or the connection has ended.
   *
   * @throws TypeError if `data` is neither bytes nor a string
   * @throws InvalidStateError after `writeEof()`
   */
  write(data: BytesLike): void;
  /** As `write` with each member in turn; all are checked before the first one is taken. */
  writeLines(list: Iterable<BytesLike>): void;
  /** Ends our direction, behind what is buffered; reading goes on. Again, or once closing: no effect. */
  writeEof(): void;
  /** Whether `writeEof()` can be called. */
  canWriteEof(): boolean;
  /** Stops reading, sends what is buffered, then ends the connection. Idempotent. */
  close(): void;
  /** Ends the connection now and drops what is buffered. Idempotent. */
  abort(): void;
  /**
   * As `abort()`, and over TCP the peer hears of it at once by an RST: its reads and writes fail with ECONNRESET, and it
   * may lose bytes that it has not read. Also during `close()`; after `abort()` it does nothing. Over a Unix socket, which
   * has no resets, it is `abort()`.
   */
  reset(): void;
  /** True from `close()` or `abort()` on, or from the loss of the connection. */
  isClosing(): boolean;
  /** No `dataReceived` until `resumeReading()`. Idempotent; no effect once closing. */
  pauseReading(): void;
  /** Undoes `pauseReading()`. Idempotent; no effect once closing. */
  resumeReading(): void;
  /** Whether bytes are received: not after `pauseReading()`, nor once closing. */
  isReading(): boolean;
  /**
   * Moves the marks of the write buffer: `high` alone makes `low` a quarter of it, `low` alone makes `high` four times
   * it. Writing may be paused at once.
   *
   * @throws RangeError unless high >= low >= 0
   */
  setWriteBufferLimits(limits?: WriteBufferLimits): void;
  /** The marks in bytes: low, then high. */
  getWriteBufferLimits(): [low: number, high: number];
  /** How many written bytes the kernel has not taken yet. */
  getWriteBufferSize(): number;
  getExtraInfo<Key extends keyof ExtraInfo>(name: Key): ExtraInfo[Key] | undefined;
  getExtraInfo<Key extends keyof ExtraInfo, Default>(name: Key, fallback: Default): ExtraInfo[Key] | Default;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  /**
   * What can be made of `settings` beforehand, for `upgradeTls`; the connection goes on.
   *
   * @throws InvalidStateError after `writeEof()`; what node:tls says of wrong certificates, keys and ciphers
   */
  prepareTls(settings: TlsSettings): PreparedTls;
  /**
   * Puts TLS on the connection, behind what was written, and gives the transport to go on with; this one is used up.
   * `early` was received before, and goes to the TLS engine. When it fails the connection is closed.
   */
  upgradeTls(settings: TlsSettings, early: Uint8Array, signal: AbortSignal): Promise<StartableTransport>;
}

/** A transport whose connection stands, and that waits for its protocol. Until `start` it reads nothing. */
export interface StartableTransport extends Transport {
  /**
   * As `close()`, but what the peer is still sending does not cost it what was sent to it, as closing a socket with bytes
   * unread would: they are dropped until the peer ends too or is quiet for a second, for 5 s at most.
   */
  finish(): void;
  /** As `write`, but at once. `true`: the kernel has all of it, and `data` is free again. */
  writeThrough?(data: Uint8Array): boolean;
  /** From now on `dataOffered` comes with `keep`, where that can be. */
  offerToKeep?(): void;
  /**
   * Calls `protocol.connectionMade` and begins to read. Called at most once; `abort()` is the other way out. `liveness`
   * also holds for what `upgradeTls` makes of it.
   */
  start(protocol: Protocol, liveness?: Liveness): void;
}
