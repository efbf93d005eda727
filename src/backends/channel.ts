/** What a backend provides for each connection: it moves bytes, and decides nothing. */
import type { Endpoint } from "../transport/endpoint.js";
import type { TransportSocket } from "../transport/transport.js";
import type { Clock } from "../waiting/clock.js";
import type { Socket } from "node:net";

/** A connection as the backend has it. `ChannelTransport` calls it, and makes a transport of it. */
export interface Channel {
  /** Socket and addresses: `undefined` where there is no such thing. */
  readonly socket: TransportSocket | undefined;
  readonly local: Endpoint | undefined;
  /** Also `undefined` if the peer was gone before anyone could ask. */
  readonly remote: Endpoint | undefined;
  /** Whether our direction can be ended alone. */
  readonly canEndWriting: boolean;
  /** What limits of time above it go by. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Bytes written that the other side of the backend (the kernel) has not taken. */
  readonly bufferedBytes: number;
  /**
   * How many of these it has after all: a write may count as a whole until the last of it is taken. Asked for less often,
   * as it may cost more. Without it: none.
   */
  readonly bytesTakenEarly?: number;
  /**
   * How many bytes have been taken, and not by the peer's kernel: as long as no more are taken it only falls. `undefined`
   * where that is not known. Asked rarely, as it may be slow; the answer may be up to `mostAge` ms old.
   */
  unacknowledgedBytes?(mostAge: number): number | undefined;
  /**
   * Begins to deliver, but nothing before it has returned. Called first; before it only `destroy` and `releaseSocket`. Called
   * again, it tells the new listener from then on.
   */
  start(events: ChannelEvents): void;
  /** Takes all of `data`, which is not empty. Not called after `endWriting`, `close` or `destroy`. */
  write(data: Uint8Array): void;
  /** What was written leaves now, where `write` would let it wait for more. */
  flush?(): void;
  /** From now on what it offers comes with `keep`, where that can be. */
  offerToKeep?(): void;
  /** Ends our direction behind what is buffered. Called at most once, and only if `canEndWriting`. */
  endWriting(): void;
  /** Delivers nothing more; sends what is buffered, then ends. Called at most once. */
  close(): void;
  /**
   * As `close`, but where that would reset a connection whose peer is still sending, it waits for the peer a while. Instead
   * of `close`; without it `close` is called.
   */
  finish?(): void;
  /** Ends now and drops what is buffered. Idempotent. */
  destroy(): void;
  /** As `destroy`, and the peer hears of it as a reset where there is such a thing. No effect after `destroy`. */
  reset(): void;
  /** After `pause` at most what was taken from the kernel already is kept back, and nothing is delivered. */
  pause(): void;
  resume(): void;
  /** What is known besides `socket` and the addresses, by the keys of `getExtraInfo`. */
  extraInfo(name: string): unknown;
  /**
   * The runtime's socket, for TLS to run on it natively, if there is one that carries no TLS itself: of two engines on
   * one socket, the upper one does not hear of all that ends the lower one. It is paused, with `early` in front of its
   * bytes, and behind what was written. The channel is used up.
   */
  releaseSocket(early: Uint8Array): Socket | undefined;
}

/** What a channel tells. */
export interface ChannelEvents {
  /** As that of a Protocol: a channel may offer bytes first that it would have to copy. Not after `close` or `destroy`. */
  dataOffered?(bytes: Uint8Array, keep?: () => void): number;
  /** `chunk` is handed over. Not after `close` or `destroy`. */
  dataReceived(chunk: Uint8Array): void;
  /** The peer has ended its direction, and all it sent was delivered. */
  eofReceived(): void;
  /** `bufferedBytes` has become less. */
  bufferShrank(): void;
  /** What is written from now on is lost: the peer is gone. `closed` follows once what it had sent is delivered. */
  writingFailed(): void;
  /** Last: the resources are free. `error` unless the end was a regular one. */
  closed(error: Error | undefined): void;
}
