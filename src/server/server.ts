/** A running server: its listening sockets, and the connections that came from them. */
import { checkDelay, checkOptions } from "../checks.js";
import { showAsString } from "../describe.js";
import { InvalidStateError } from "../errors.js";
import type { Listener, ListenerEvents } from "../transport/backend.js";
import type { StartableTransport } from "../transport/transport.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import type { Clock } from "../waiting/clock.js";
import { Gate } from "../waiting/gate.js";
import { GracePeriod } from "../waiting/grace-period.js";
import { toListeningSocket, type ListeningSocket } from "./listening-socket.js";
import { OpenConnections, type OpenConnectionsOptions, type ShutdownResult } from "./open-connections.js";
import type { ServerHandler } from "./server-handler.js";

/** How long a shutdown, `[Symbol.asyncDispose]` and an aborted `serveForever` wait for the connections to end, in ms. */
const GRACE = 30_000;

/** What `serveForever()` takes. */
export interface ServeForeverOptions {
  /** Aborted, it closes the server. */
  readonly signal?: AbortSignal | undefined;
}

/** What `shutdown()` takes. */
export interface ShutdownOptions {
  /** How long the connections may take to end by themselves, in ms; 0 for no time at all. Default 30 000. */
  readonly grace?: number | undefined;
  /** Aborted, it ends the grace: the rest is aborted at once, and the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** `Streams` is what is made of each connection. */
export class ConnectionServer<Streams extends object> implements AsyncDisposable, ListenerEvents {
  static {
    showAsString(this.prototype);
  }
  readonly #handler: ServerHandler<Streams>;
  readonly #clock: Clock;
  #listeners: readonly Listener[];
  readonly #connections: OpenConnections<Streams>;
  #state: "bound" | "serving" | "closed" = "bound";
  #isAwaitedForever = false;
  /** Opens with `close()`. */
  readonly #stopped = new Gate("shut");
  /** Opens when closed and without a connection. */
  readonly #finished = new Gate("shut");
  readonly #grace: GracePeriod;

  /** Made by the functions that serve. */
  constructor(
    listeners: readonly Listener[],
    handler: ServerHandler<Streams>,
    options: OpenConnectionsOptions,
    clock: Clock,
  ) {
    this.#listeners = listeners;
    this.#handler = handler;
    this.#clock = clock;
    this.#connections = new OpenConnections(handler, options, () => this.#finishIfDone());
    this.#grace = new GracePeriod(clock, () => this.abortClients());
  }

  // For whoever runs the server.

  /** The listening sockets; none once the server is closed. As `Server.sockets`. */
  get sockets(): readonly ListeningSocket[] {
    return this.#listeners.map(({ endpoint }) => toListeningSocket(endpoint));
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
    const bounds = new Bounds("serveForever", { signal }, this.#clock);
    if (this.#isAwaitedForever)
      throw new InvalidStateError(`server ${this.toString()} is already being awaited on serveForever()`);
    this.#checkOpen();
    if (!signal?.aborted) {
      this.#isAwaitedForever = true;
      await this.startServing();
      // That it rejects says no more than that the signal has aborted.
      await this.#stopped.pass(bounds).catch(() => {});
      this.#isAwaitedForever = false;
    }
    if (!signal?.aborted) return;
    await this[Symbol.asyncDispose]();
    throw signal.reason;
  }

  /**
   * The connections of a server without a callback, as they come:
   *
   * ```ts
   * const server = await startServer(null, "127.0.0.1", 8888);
   * for await (const connection of server.connections()) void handle(connection);
   * ```
   *
   * Whoever takes one closes it. The loop ends when the server is closed, after what was accepted before; a shutdown
   * drops what nobody has taken. Several loops share the connections. Left by `break`, aborted or timed out, a loop has
   * taken nothing that it did not give: the next one goes on. A connection that was lost before it was taken is not given.
   *
   * Without `maxConnections` at most `backlog` connections wait to be taken, at least one; further ones are refused. With
   * it they wait in their places.
   *
   * @param options bound each wait for a connection: it rejects with the signal's reason or a TimeoutError, and the loop
   *   with it
   * @throws InvalidStateError if the server has a callback
   * @throws TypeError or RangeError for wrong options
   */
  connections(options?: WaitOptions): AsyncIterableIterator<Streams, undefined> {
    const given = checkOptions<WaitOptions>("connections()", options, ["signal", "timeout"]);
    const bounds = new Bounds("connections", given, this.#clock);
    const loop = this.#connections.loop(bounds);
    if (loop === undefined)
      throw new InvalidStateError("connections() is of servers without a callback: startServer(null, …)");
    return loop;
  }

  /** Stops listening, at once; connections go on. Idempotent. As `Server.close`. */
  close(): void {
    this.#state = "closed";
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    this.#connections.dropHeld();
    this.#stopped.end();
    this.#finishIfDone();
  }

  /**
   * Waits until the server is closed and its last connection has ended. Cancel safety: given up, it has changed nothing. As
   * `Server.wait_closed` (since 3.12).
   */
  async waitClosed(options?: WaitOptions): Promise<void> {
    await this.#finished.pass(Bounds.of("waitClosed", options, this.#clock));
  }

  /**
   * Ends the server in good order: stops accepting, aborts the signals of the callbacks, gives up handshakes and what
   * nobody serves yet, waits up to `grace` ms for the connections to end by themselves, and aborts the rest. Resolves
   * when all have ended. Callbacks that have not settled are not waited for.
   *
   * A connection whose callback has returned ends by itself once all that was written to it is sent and its peer has
   * ended too, or has been quiet for a second; 5 s after that at the latest. A callback that
   * awaits this call keeps its own connection open, and so is aborted.
   *
   * Called again, it joins the call that runs, with the same result, and the earlier of both limits holds. After
   * `close()` too.
   *
   * @throws the reason of `signal`, once all connections have ended
   * @throws TypeError or RangeError for wrong options; the server goes on
   */
  async shutdown(options?: ShutdownOptions): Promise<ShutdownResult> {
    const given = checkOptions<ShutdownOptions>("shutdown()", options, ["grace", "signal"]);
    const { grace = GRACE, signal } = given;
    checkDelay("grace", grace);
    const bounds = new Bounds("shutdown", { signal }, this.#clock);
    this.close();
    this.#connections.beginShutdown();
    await this.#finishWithin(grace, bounds);
    return this.#connections.shutdownResult;
  }

  /** Closes each connection, behind what was written to it. As `Server.close_clients`. */
  closeClients(): void {
    this.#connections.closeAll();
  }

  /** Aborts each connection. As `Server.abort_clients`. */
  abortClients(): void {
    this.#connections.abortAll();
  }

  /** `close()`, then waits for the connections to end; those still open after 30 s are aborted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#finishWithin(GRACE);
  }

  toString(): string {
    return `<Server sockets=(${this.sockets.map((socket) => JSON.stringify(socket.getsockname())).join(", ")})>`;
  }

  // For its listeners.

  connectionAccepted(transport: StartableTransport): void {
    if (this.#state === "closed") transport.abort();
    else this.#connections.accept(transport);
  }

  acceptFailed(error: Error): void {
    this.#handler.acceptFailed(error);
  }

  // Steps.

  #checkOpen(): void {
    if (this.#state === "closed") throw new InvalidStateError(`server ${this.toString()} is closed`);
  }

  #finishIfDone(): void {
    if (this.#state !== "closed") return;
    this.#connections.endLoops();
    if (this.#connections.size === 0) this.#finished.end();
  }

  /** Rejects at the bounds, but not before all connections have ended. */
  async #finishWithin(grace: number, bounds?: Bounds): Promise<void> {
    const cuts: unknown[] = [];
    const stop = bounds?.watch((reason) => {
      cuts.push(reason);
      this.#grace.cut();
    });
    this.#grace.endWithin(grace);
    await this.#finished.pass();
    stop?.();
    this.#grace.cancel();
    if (cuts.length > 0) throw cuts[0];
  }
}
