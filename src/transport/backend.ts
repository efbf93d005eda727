/** What the functions that connect and serve ask of the world below: sockets of a runtime, or a network in memory. */
import type { Clock } from "../waiting/clock.js";
import type { Endpoint, TcpEndpoint } from "./endpoint.js";
import type { StartableTransport } from "./transport.js";

/** One answer to the question for a host's addresses. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface HostQuery {
  /** 4 or 6; 0 for both. */
  readonly family: 0 | 4 | 6;
  /** The hints of `node:dns`, or-ed. */
  readonly hints: number;
  /** Whether the addresses are to be listened at. */
  readonly passive: boolean;
}

export interface DialOptions {
  readonly signal: AbortSignal;
  /** Where to bind first. */
  readonly local?: TcpEndpoint | undefined;
}

export interface ListenOptions {
  /** Connections that the system may hold before they are accepted. */
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly keepAlive: boolean;
  /** Whether closing removes the file of a Unix socket. */
  readonly cleanupSocket: boolean;
}

/** Told of what comes in. */
export interface ListenerEvents {
  connectionAccepted(transport: StartableTransport): void;
  /** A connection could not be accepted; the listener goes on. */
  acceptFailed(error: Error): void;
}

/** A bound address that connections come from. */
export interface Listener {
  /** Where it is bound. */
  readonly endpoint: Endpoint;
  /** Lets connections through; those that came before wait until then. Called at most once. */
  accept(events: ListenerEvents): void;
  /** Frees the address. No connection comes any more, and those that wait are dropped. Idempotent. */
  close(): void;
}

/** A source of connections. Every promise rejects with an error of errors.ts. */
export interface Backend {
  readonly clock: Clock;
  /** The hints that `lookup` knows, or-ed. */
  readonly lookupHints: number;
  /** What this runtime cannot do, in words, or `undefined` if it can. */
  whyNot(feature: "unix" | "reusePort" | "noReuseAddress" | "ipv6Only"): string | undefined;
  /** All addresses of a host, in the order of preference. */
  lookup(host: string, query: HostQuery): Promise<readonly HostAddress[]>;
  /** Connects to one address. Aborted, it frees everything and rejects with the signal's reason. */
  connect(endpoint: Endpoint, options: DialOptions): Promise<StartableTransport>;
  /** Takes over a connected socket of the runtime. @throws TypeError or InvalidStateError if it is not one */
  adopt(sock: unknown, kind: "any" | "unix"): StartableTransport;
  /** Binds one address. */
  listen(endpoint: Endpoint, options: ListenOptions): Promise<Listener>;
  /** Takes over a listening socket of the runtime. @throws TypeError or InvalidStateError if it is not one */
  adoptListener(sock: unknown, kind: "any" | "unix", options: ListenOptions): Promise<Listener>;
}
