/** What a server does with a connection: streams on top, the user's callback, and its errors. */
import type { SocketAddress } from "../transport/endpoint.js";
import type { Liveness } from "../transport/liveness.js";
import type { StartableTransport } from "../transport/transport.js";
import { NO_BYTES, type TlsSettings } from "../transport/tls.js";
import type { Clock } from "../waiting/clock.js";
import { createConnection, type Connection } from "./connection.js";
import type { StreamReader } from "./stream-reader.js";
import type { StreamWriter } from "./stream-writer.js";

/**
 * Called for each connection. If it returns a promise, the connection is closed when that has settled; if it returns
 * nothing, the connection stays open until somebody closes it.
 */
export type ClientConnectedCallback = (reader: StreamReader, writer: StreamWriter) => unknown;

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
  start(): void;
  close(): void;
  abort(): void;
  readonly ended: Promise<void>;
}

/** At most one failed handshake is reported in so many ms: anybody can cause them. */
const HANDSHAKE_REPORT_INTERVAL = 1_000;

export class ConnectionHandler {
  readonly #callback: ClientConnectedCallback;
  readonly #limit: number;
  readonly #tls: TlsSettings | undefined;
  readonly #autoClose: boolean;
  readonly #onError: OnError;
  readonly #clock: Clock;
  readonly #liveness: Liveness | undefined;
  #nextHandshakeReport = 0;
  #suppressed = 0;
  /** What the callbacks have returned and has not settled. */
  readonly #tasks = new Set<Promise<void>>();

  constructor(
    callback: ClientConnectedCallback,
    { limit, tls, autoClose, onError, clock, liveness }: ConnectionHandlerOptions,
  ) {
    this.#callback = callback;
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
    const connection = createConnection(transport, {
      limit: this.#limit,
      side: "server",
      clock: this.#clock,
      liveness: this.#liveness,
    });
    const { writer } = connection;
    return {
      start: () => this.#call(connection),
      close: () => writer.close(),
      abort: () => writer.transport.abort(),
      ended: writer.waitClosed().catch(() => {}),
    };
  }

  /** The callback is called after the handshake; if that fails, never. Closed before, it is aborted. */
  #secured(transport: StartableTransport, tls: TlsSettings): AcceptedConnection {
    const handshake = new AbortController();
    let served: AcceptedConnection | undefined;
    const run = async (): Promise<void> => {
      try {
        served = this.#plain(await transport.upgradeTls(tls, NO_BYTES, handshake.signal));
      } catch (error) {
        if (!handshake.signal.aborted) this.#handshakeFailed(error, transport);
        return;
      }
      served.start();
      await served.ended;
    };
    let end = (): void => {};
    return {
      start: () => void run().then(() => end()),
      close: () => (served === undefined ? handshake.abort() : served.close()),
      abort: () => (served === undefined ? handshake.abort() : served.abort()),
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

  #call({ reader, writer }: Connection): void {
    const fail = (error: unknown) => {
      this.#report(error, { phase: "callback", peername: writer.getExtraInfo("peername"), writer });
      writer.close();
    };
    const succeed = () => {
      if (this.#autoClose) writer.close();
    };
    try {
      const returned = this.#callback(reader, writer);
      if (!isPromiseLike(returned)) return;
      const task: Promise<void> = Promise.resolve(returned)
        .then(succeed, fail)
        .finally(() => this.#tasks.delete(task));
      this.#tasks.add(task);
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
