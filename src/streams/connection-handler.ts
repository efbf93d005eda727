/** What a server does with a connection: streams on top, the user's callback, and its errors. */
import { ConnectionAbortedError } from "../errors.js";
import type { SocketAddress } from "../transport/endpoint.js";
import type { Liveness } from "../transport/liveness.js";
import type { StartableTransport } from "../transport/transport.js";
import { NO_BYTES, type TlsSettings } from "../transport/tls.js";
import type { Clock } from "../waiting/clock.js";
import { LazySignal } from "../waiting/lazy-signal.js";
import { createConnection, type Connection } from "./connection.js";
import { StreamWriter } from "./stream-writer.js";

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

/** A connection as its server knows it. */
interface AcceptedConnection {
  open(ready: () => void): void;
  readonly streams: Connection;
  serve(): void;
  announceShutdown(): void;
  close(): void;
  abort(): void;
  readonly ended: Promise<void>;
}

/** At most one failed handshake is reported in so many ms: anybody can cause them. */
const HANDSHAKE_REPORT_INTERVAL = 1_000;

export class ConnectionHandler {
  readonly #serve: ServeConnection;
  readonly #limit: number;
  readonly #tls: TlsSettings | undefined;
  readonly #autoClose: boolean;
  readonly #onError: OnError;
  readonly #clock: Clock;
  readonly #liveness: Liveness | undefined;
  #nextHandshakeReport = 0;
  #suppressed = 0;

  constructor(
    serve: ServeConnection,
    { limit, tls, autoClose, onError, clock, liveness }: ConnectionHandlerOptions,
  ) {
    this.#serve = serve;
    this.#limit = limit;
    this.#tls = tls;
    this.#autoClose = autoClose;
    this.#onError = onError ?? reportOnConsole;
    this.#clock = clock;
    this.#liveness = liveness;
  }

  connectionAccepted(transport: StartableTransport): AcceptedConnection {
    return this.#tls === undefined ? this.#plain(transport) : this.#secured(transport, this.#tls);
  }

  #plain(transport: StartableTransport): AcceptedConnection {
    const streams = createConnection(transport, {
      limit: this.#limit,
      side: "server",
      clock: this.#clock,
      liveness: this.#liveness,
    });
    const { writer } = streams;
    const life = new LazySignal();
    return {
      streams,
      open: (ready) => ready(),
      serve: () => this.#call(streams, life),
      announceShutdown: () =>
        life.abort(() => new ConnectionAbortedError("The server of this connection shuts down")),
      close: () => writer.close(),
      abort: () => writer.transport.abort(),
      ended: writer.waitClosed().then(
        () => life.abort(() => new ConnectionAbortedError("The connection has ended")),
        (error: unknown) => life.abort(() => error),
      ),
    };
  }

  /** It is ready after the handshake; if that fails, never. Closed before, it is aborted. */
  #secured(transport: StartableTransport, tls: TlsSettings): AcceptedConnection {
    const handshake = new AbortController();
    let secured: AcceptedConnection | undefined;
    const run = async (ready: () => void): Promise<void> => {
      try {
        const upgraded = await transport.upgradeTls(tls, NO_BYTES, handshake.signal);
        // Closed in the moment between.
        if (handshake.signal.aborted) return upgraded.abort();
        secured = this.#plain(upgraded);
      } catch (error) {
        if (!handshake.signal.aborted) this.#handshakeFailed(error, transport);
        return;
      }
      ready();
      await secured.ended;
    };
    let end!: () => void;
    return {
      open: (ready) => void run(ready).then(() => end()),
      get streams() {
        return secured!.streams;
      },
      serve: () => secured!.serve(),
      announceShutdown: () => secured!.announceShutdown(),
      close: () => (secured === undefined ? handshake.abort() : secured.close()),
      abort: () => (secured === undefined ? handshake.abort() : secured.abort()),
      ended: new Promise((resolve) => {
        end = resolve;
      }),
    };
  }

  acceptFailed(error: Error): void {
    this.#report(error, { phase: "accept" });
  }

  #handshakeFailed(error: unknown, transport: StartableTransport): void {
    const now = this.#clock.now();
    if (now < this.#nextHandshakeReport) {
      this.#suppressed++;
      return;
    }
    this.#nextHandshakeReport = now + HANDSHAKE_REPORT_INTERVAL;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#report(error, { phase: "handshake", peername: transport.getExtraInfo("peername"), suppressed });
  }

  #call(connection: Connection, life: LazySignal): void {
    const { writer } = connection;
    const fail = (error: unknown) => {
      if (!life.isReason(error)) {
        this.#report(error, { phase: "callback", peername: writer.getExtraInfo("peername"), writer });
      }
      StreamWriter.finish(writer);
    };
    const succeed = () => {
      if (this.#autoClose) StreamWriter.finish(writer);
    };
    try {
      const returned = this.#serve(connection, life);
      if (!isPromiseLike(returned)) return;
      void Promise.resolve(returned).then(succeed, fail);
    } catch (error) {
      fail(error);
    }
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

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof Object(value).then === "function";
}
