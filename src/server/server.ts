/** A running server: its listening sockets, and the connections that came from them. */
import { checkOptions, checkSignal } from "../checks.js";
import { showAsString } from "../describe.js";
import { InvalidStateError } from "../errors.js";
import type { Listener, ListenerEvents } from "../transport/backend.js";
import { toSocketAddress, type Endpoint, type SocketAddress } from "../transport/endpoint.js";
import type { StartableTransport } from "../transport/transport.js";

/** How long `[Symbol.asyncDispose]` and an aborted `serveForever` wait for the connections to end, in ms. */
const GRACE = 30_000;

/** A connection that the server has accepted. */
export interface ServedConnection {
  /** Begins to serve it. Called once; the server counts the connection by then. */
  start(): void;
  close(): void;
  abort(): void;
  /** Settles when the connection has ended, in whatever way. */
  readonly ended: Promise<void>;
}

/** How a server serves. */
export interface ServerHandler {
  connectionAccepted(transport: StartableTransport): ServedConnection;
  acceptFailed(error: Error): void;
}

/** One listening socket. */
export interface ListeningSocket {
  /** In asyncio's form. */
  getsockname(): SocketAddress;
  /** In the form of `net.Server`'s `address()`. */
  address(): { readonly address: string; readonly port: number; readonly family: "IPv4" | "IPv6" } | string;
}

export interface ServeForeverOptions {
  /** Aborted, it closes the server. */
  readonly signal?: AbortSignal | undefined;
}

/** As `asyncio.Server`. `startServer()` and `startUnixServer()` make it. */
export class Server implements AsyncDisposable, ListenerEvents {
  static {
    showAsString(this.prototype);
  }
  readonly #handler: ServerHandler;
  #listeners: readonly Listener[];
  readonly #connections = new Set<ServedConnection>();
  #state: "bound" | "serving" | "closed" = "bound";
  #isAwaitedForever = false;
  /** Settled by `close()`. */
  readonly #stopped: Promise<void>;
  #stop!: () => void;
  /** Settled when closed and without a connection. */
  readonly #finished: Promise<void>;
  #finish!: () => void;

  /** Made by the functions that serve. */
  constructor(listeners: readonly Listener[], handler: ServerHandler) {
    this.#listeners = listeners;
    this.#handler = handler;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  // For whoever runs the server.

  /** The listening sockets; none once the server is closed. As `Server.sockets`. */
  get sockets(): readonly ListeningSocket[] {
    return this.#listeners.map(({ endpoint }) => ({
      getsockname: () => toSocketAddress(endpoint),
      address: () => toNodeAddress(endpoint),
    }));
  }

  /** Whether connections are served. As `Server.is_serving`. */
  isServing(): boolean {
    return this.#state === "serving";
  }

  /**
   * Begins to serve, also what has come since the sockets were bound. Idempotent. As `Server.start_serving`.
   *
   * @throws InvalidStateError if the server is closed
   */
  async startServing(): Promise<void> {
    this.#checkOpen();
    if (this.#state === "serving") return;
    this.#state = "serving";
    for (const listener of this.#listeners) listener.accept(this);
  }

  /**
   * Serves until the server is closed, or `signal` aborts; then closes, waits for the connections to end (those still
   * open after 30 s are aborted), and rejects with its reason. As `Server.serve_forever`.
   *
   * @throws InvalidStateError if the server is closed, or another call is waiting
   */
  async serveForever(options?: ServeForeverOptions): Promise<void> {
    const { signal } = checkOptions<ServeForeverOptions>("serveForever()", options, ["signal"]);
    if (signal !== undefined) checkSignal(signal);
    if (this.#isAwaitedForever)
      throw new InvalidStateError(`server ${this.toString()} is already being awaited on serveForever()`);
    this.#checkOpen();
    this.#isAwaitedForever = true;
    try {
      if (!signal?.aborted) await this.startServing();
      await stoppedOrAborted(this.#stopped, signal);
    } finally {
      this.#isAwaitedForever = false;
    }
    if (!signal?.aborted) return;
    await this[Symbol.asyncDispose]();
    throw signal.reason;
  }

  /** Stops listening, at once; connections go on. Idempotent. As `Server.close`. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    this.#stop();
    this.#finishIfDone();
  }

  /** Waits until the server is closed and its last connection has ended. As `Server.wait_closed` (since 3.12). */
  waitClosed(): Promise<void> {
    return this.#finished;
  }

  /** Closes each connection, behind what was written to it. As `Server.close_clients`. */
  closeClients(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Aborts each connection. As `Server.abort_clients`. */
  abortClients(): void {
    for (const connection of this.#connections) connection.abort();
  }

  /** `close()`, then waits for the connections to end; those still open after 30 s are aborted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    const timer = setTimeout(() => this.abortClients(), GRACE);
    await this.#finished;
    clearTimeout(timer);
  }

  toString(): string {
    return `<Server sockets=(${this.sockets.map((socket) => JSON.stringify(socket.getsockname())).join(", ")})>`;
  }

  // For its listeners.

  connectionAccepted(transport: StartableTransport): void {
    if (this.#state === "closed") {
      transport.abort();
      return;
    }
    const connection = this.#handler.connectionAccepted(transport);
    this.#connections.add(connection);
    void connection.ended.then(() => {
      this.#connections.delete(connection);
      this.#finishIfDone();
    });
    connection.start();
  }

  acceptFailed(error: Error): void {
    this.#handler.acceptFailed(error);
  }

  // Steps.

  #checkOpen(): void {
    if (this.#state === "closed") throw new InvalidStateError(`server ${this.toString()} is closed`);
  }

  #finishIfDone(): void {
    if (this.#state === "closed" && this.#connections.size === 0) this.#finish();
  }
}

function stoppedOrAborted(stopped: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return stopped;
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", done);
    void stopped.then(done);
  });
}

function toNodeAddress(endpoint: Endpoint): ReturnType<ListeningSocket["address"]> {
  if (endpoint.kind === "unix") return endpoint.path;
  return { address: endpoint.address, port: endpoint.port, family: endpoint.family === 4 ? "IPv4" : "IPv6" };
}
