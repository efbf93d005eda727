/** What a server does with a connection: streams on top, the user's callback, and its errors. */
import { isPromiseLike } from "../checks.js";
import type { SocketAddress } from "../transport/endpoint.js";
import type { Liveness } from "../transport/liveness.js";
import type { StartableTransport } from "../transport/transport.js";
import type { TlsSettings } from "../transport/tls.js";
import type { Clock } from "../waiting/clock.js";
import type { LazySignal } from "../waiting/lazy-signal.js";
import {
  PlainConnection,
  SecuredConnection,
  type AcceptedConnection,
  type Serving,
} from "./accepted-connection.js";
import { createConnection, type Connection } from "./connection.js";
import type { StreamWriter } from "./stream-writer.js";

/** What serves a connection. `life` ends with the connection, or when the server shuts down. */
export type ServeConnection = (connection: Connection, life: LazySignal) => unknown;

/** Where in the life of a connection an error happened. */
export interface ErrorContext {
  readonly phase: "accept" | "handshake" | "callback";
  /** With a failed handshake: how many more there were since the last one that was reported. */
  readonly suppressed?: number | undefined;
  readonly peername?: SocketAddress | undefined;
  readonly writer?: StreamWriter | undefined;
}

/** Hears of errors that no caller could catch. */
export type OnError = (error: unknown, context: ErrorContext) => unknown;

export interface ConnectionHandlerOptions {
  readonly limit: number;
  readonly tls: TlsSettings | undefined;
  readonly autoClose: boolean;
  readonly onError: OnError | undefined;
  readonly clock: Clock;
  readonly liveness?: Liveness | undefined;
}

/** At most one failed handshake is reported in so many ms: anybody can cause them. */
const HANDSHAKE_REPORT_INTERVAL = 1_000;

export class ConnectionHandler implements Serving {
  readonly serve: ServeConnection;
  readonly autoClose: boolean;
  readonly #options: ConnectionHandlerOptions;
  readonly #onError: OnError;
  #nextHandshakeReport = 0;
  #suppressed = 0;

  constructor(serve: ServeConnection, options: ConnectionHandlerOptions) {
    this.serve = serve;
    this.autoClose = options.autoClose;
    this.#options = options;
    this.#onError = options.onError ?? reportOnConsole;
  }

  connectionAccepted(transport: StartableTransport): AcceptedConnection {
    const { tls } = this.#options;
    return tls === undefined ? this.plain(transport) : new SecuredConnection(transport, tls, this);
  }

  plain(transport: StartableTransport): PlainConnection {
    const { limit, clock, liveness } = this.#options;
    return new PlainConnection(createConnection(transport, { limit, side: "server", clock, liveness }), this);
  }

  acceptFailed(error: Error): void {
    this.#report(error, { phase: "accept" });
  }

  handshakeFailed(error: unknown, transport: StartableTransport): void {
    const now = this.#options.clock.now();
    if (now < this.#nextHandshakeReport) {
      this.#suppressed++;
      return;
    }
    this.#nextHandshakeReport = now + HANDSHAKE_REPORT_INTERVAL;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#report(error, { phase: "handshake", peername: transport.getExtraInfo("peername"), suppressed });
  }

  callbackFailed(error: unknown, writer: StreamWriter): void {
    this.#report(error, { phase: "callback", peername: writer.getExtraInfo("peername"), writer });
  }

  /** What `onError` throws itself, or rejects with, ends on the console; the server goes on. */
  #report(error: unknown, context: ErrorContext): void {
    const failed = (second: unknown) => console.error("onError failed with", second, "when told of", error);
    try {
      const returned = this.#onError(error, context);
      if (isPromiseLike(returned)) returned.then(undefined, failed);
    } catch (second) {
      failed(second);
    }
  }
}

const PROBLEMS: Readonly<Record<ErrorContext["phase"], string>> = {
  accept: "A connection could not be accepted",
  handshake: "A TLS handshake failed",
  callback: "Unhandled exception in clientConnectedCb",
};

function reportOnConsole(error: unknown, { phase }: ErrorContext): void {
  console.error(`${PROBLEMS[phase]}:`, error);
}
