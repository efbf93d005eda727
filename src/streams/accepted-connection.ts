/** A connection as its server knows it: plain, or with a handshake before. */
import { isPromiseLike } from "../checks.js";
import { ConnectionAbortedError } from "../errors.js";
import { NO_BYTES, type TlsSettings } from "../transport/tls.js";
import type { StartableTransport } from "../transport/transport.js";
import type { GateListener } from "../waiting/gate.js";
import { LazySignal } from "../waiting/lazy-signal.js";
import { SOON } from "../waiting/promised.js";
import type { Connection } from "./connection.js";
import { StreamWriter } from "./stream-writer.js";

/** What a server has of its connections, … */
export interface AcceptedConnection {
  open(owner: ConnectionOwner): void;
  readonly streams: Connection;
  serve(): void;
  announceShutdown(): void;
  close(): void;
  abort(): void;
}

/** … and what it hears of them. */
export interface ConnectionOwner {
  connectionReady(): void;
  connectionEnded(): void;
}

/** How connections are served. */
export interface Serving {
  /** The user's callback. `life` ends with the connection, or when the server shuts down. */
  serve(connection: Connection, life: LazySignal): unknown;
  /** Whether a connection is closed when the callback has returned. */
  readonly autoClose: boolean;
  callbackFailed(error: unknown, writer: StreamWriter): void;
  /** Puts streams on what a handshake has led to. */
  plain(transport: StartableTransport): PlainConnection;
  handshakeFailed(error: unknown, transport: StartableTransport): void;
}

/** There may be very many: it is one object, without a closure or a promise of its own. */
export class PlainConnection implements AcceptedConnection, GateListener {
  readonly streams: Connection;
  readonly #serving: Serving;
  readonly #life = new LazySignal();
  #owner: ConnectionOwner | undefined;

  constructor(streams: Connection, serving: Serving) {
    this.streams = streams;
    this.#serving = serving;
  }

  open(owner: ConnectionOwner): void {
    this.#owner = owner;
    StreamWriter.tellEnd(this.streams.writer, this);
    owner.connectionReady();
  }

  serve(): void {
    try {
      const returned = this.#serving.serve(this.streams, this.#life);
      if (!isPromiseLike(returned)) return;
      void Promise.resolve(returned).then(
        () => this.#succeed(),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  announceShutdown(): void {
    this.#life.abort(() => new ConnectionAbortedError("The server of this connection shuts down"));
  }

  close(): void {
    this.streams.writer.close();
  }

  abort(): void {
    this.streams.writer.transport.abort();
  }

  /** Of the connection. */
  gateEnded(toError: () => unknown = () => new ConnectionAbortedError("The connection has ended")): void {
    this.#life.abort(toError);
    // Who awaits waitClosed() has gone on by then: another connection may get this one's place.
    void SOON.then(nothing).then(() => this.#owner!.connectionEnded());
  }

  #succeed(): void {
    if (this.#serving.autoClose) StreamWriter.finish(this.streams.writer);
  }

  #fail(error: unknown): void {
    const { writer } = this.streams;
    if (!this.#life.isReason(error)) this.#serving.callbackFailed(error, writer);
    StreamWriter.finish(writer);
  }
}

/** It is ready after the handshake; if that fails, never. Closed before, it is aborted. */
export class SecuredConnection implements AcceptedConnection {
  readonly #transport: StartableTransport;
  readonly #tls: TlsSettings;
  readonly #serving: Serving;
  readonly #handshake = new AbortController();
  #secured: PlainConnection | undefined;
  #owner: ConnectionOwner | undefined;

  constructor(transport: StartableTransport, tls: TlsSettings, serving: Serving) {
    this.#transport = transport;
    this.#tls = tls;
    this.#serving = serving;
  }

  open(owner: ConnectionOwner): void {
    this.#owner = owner;
    void this.#shakeHands();
  }

  get streams(): Connection {
    return this.#secured!.streams;
  }

  serve(): void {
    this.#secured!.serve();
  }

  announceShutdown(): void {
    this.#secured!.announceShutdown();
  }

  close(): void {
    if (this.#secured === undefined) this.#handshake.abort();
    else this.#secured.close();
  }

  abort(): void {
    if (this.#secured === undefined) this.#handshake.abort();
    else this.#secured.abort();
  }

  async #shakeHands(): Promise<void> {
    const { signal } = this.#handshake;
    try {
      const upgraded = await this.#transport.upgradeTls(this.#tls, NO_BYTES, signal);
      // Closed in the moment between.
      if (signal.aborted) upgraded.abort();
      else this.#secured = this.#serving.plain(upgraded);
    } catch (error) {
      if (!signal.aborted) this.#serving.handshakeFailed(error, this.#transport);
    }
    if (this.#secured === undefined) this.#owner!.connectionEnded();
    else this.#secured.open(this.#owner!);
  }
}

function nothing(): void {}
