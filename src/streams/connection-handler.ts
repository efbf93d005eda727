/** What a server does with a connection: streams on top, the user's callback, and its errors. */
import type { SocketAddress } from "../transport/endpoint.js";
import type { StartableTransport } from "../transport/transport.js";
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
  readonly phase: "accept" | "callback";
  readonly peername?: SocketAddress | undefined;
  readonly writer?: StreamWriter | undefined;
}

/** Hears of errors that no caller could catch. */
export type OnError = (error: unknown, context: ErrorContext) => unknown;

export interface ConnectionHandlerOptions {
  readonly limit: number;
  readonly autoClose: boolean;
  readonly onError: OnError | undefined;
}

export class ConnectionHandler {
  readonly #callback: ClientConnectedCallback;
  readonly #limit: number;
  readonly #autoClose: boolean;
  readonly #onError: OnError;
  /** What the callbacks have returned and has not settled. */
  readonly #tasks = new Set<Promise<void>>();

  constructor(callback: ClientConnectedCallback, { limit, autoClose, onError }: ConnectionHandlerOptions) {
    this.#callback = callback;
    this.#limit = limit;
    this.#autoClose = autoClose;
    this.#onError = onError ?? reportOnConsole;
  }

  connectionAccepted(transport: StartableTransport): {
    start(): void;
    close(): void;
    abort(): void;
    ended: Promise<void>;
  } {
    const connection = createConnection(transport, this.#limit);
    const { writer } = connection;
    return {
      start: () => this.#call(connection),
      close: () => writer.close(),
      abort: () => transport.abort(),
      ended: writer.waitClosed().catch(() => {}),
    };
  }

  acceptFailed(error: Error): void {
    this.#report(error, { phase: "accept" });
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

function reportOnConsole(error: unknown, { phase }: ErrorContext): void {
  const what =
    phase === "callback" ? "Unhandled exception in clientConnectedCb" : "A connection could not be accepted";
  console.error(`${what}:`, error);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof Object(value).then === "function";
}
