/** The open connections of a server: those that are being prepared, wait to be taken, or are served. */
import type { StartableTransport } from "../transport/transport.js";
import type { Bounds } from "../waiting/bounds.js";
import { Arrivals } from "./arrivals.js";
import { Places, type PlacesOptions } from "./places.js";
import type { AcceptedConnection, ConnectionOwner, ServerHandler } from "./server-handler.js";

export interface OpenConnectionsOptions {
  readonly places: PlacesOptions;
  /** How many may wait to be taken; `undefined` if a callback serves them. */
  readonly mostWaiting: number | undefined;
}

/** How the connections have ended that were served when the server began to shut down. */
export interface ShutdownResult {
  /** How many by themselves: closed, with all that was written handed to the system, or lost. */
  readonly ended: number;
  /** How many had to be aborted. */
  readonly aborted: number;
}

/** One that has a place. */
class OpenConnection<Streams extends object> implements ConnectionOwner {
  readonly connection: AcceptedConnection<Streams>;
  readonly #all: OpenConnections<Streams>;
  /** Where it stands in the list of all. */
  index: number;
  /** Somebody works with it: the callback, or who has taken it. */
  isServed = false;

  constructor(connection: AcceptedConnection<Streams>, all: OpenConnections<Streams>, index: number) {
    this.connection = connection;
    this.#all = all;
    this.index = index;
  }

  connectionReady(): void {
    this.#all.ready(this);
  }

  connectionEnded(): void {
    this.#all.ended(this);
  }
}

export class OpenConnections<Streams extends object> {
  readonly #handler: ServerHandler<Streams>;
  readonly #changed: () => void;
  readonly #places: Places;
  /** If there is no callback. */
  readonly #arrivals: Arrivals<OpenConnection<Streams>, Streams> | undefined;
  /**
   * In no order. Not a Set: the tables that it has outgrown hold what they held until the next full collection of garbage,
   * which then are all connections of a busy server.
   */
  readonly #all: OpenConnection<Streams>[] = [];
  #served = 0;
  /** Since the shutdown has begun. */
  #counts: { readonly served: number; aborted: number } | undefined;

  /** `changed` is called when a connection has ended, or its handshake has. */
  constructor(
    handler: ServerHandler<Streams>,
    { places, mostWaiting }: OpenConnectionsOptions,
    changed: () => void,
  ) {
    this.#handler = handler;
    this.#changed = changed;
    this.#places = new Places(places, (transport) => this.#open(transport));
    this.#arrivals =
      mostWaiting === undefined ? undefined : new Arrivals(mostWaiting, (taken) => this.#take(taken));
  }

  get size(): number {
    return this.#all.length;
  }

  accept(transport: StartableTransport): void {
    if (this.#arrivals?.isFull) transport.abort();
    else this.#places.enter(transport);
  }

  /** A loop over them; `undefined` if a callback serves them. */
  loop(bounds: Bounds): AsyncIterableIterator<Streams, undefined> | undefined {
    return this.#arrivals?.loop(bounds);
  }

  /** Nothing is accepted any more: what is held is dropped. */
  dropHeld(): void {
    this.#places.dropHeld();
  }

  /** Nothing is accepted any more: loops end, but not before what is still prepared and what waits has been taken. */
  endLoops(): void {
    const waiting = this.#arrivals?.size ?? 0;
    const isNonePrepared = this.size === waiting + this.#served;
    if (isNonePrepared) this.#arrivals?.end();
  }

  closeAll(): void {
    for (const { connection } of this.#all) connection.close();
  }

  abortAll(): void {
    const counts = this.#counts;
    if (counts !== undefined) counts.aborted = Math.max(counts.aborted, this.#served);
    for (const { connection } of this.#all) connection.abort();
  }

  /** Tells those that are served, and gives up the others. Idempotent. */
  beginShutdown(): void {
    if (this.#counts !== undefined) return;
    // A callback that hears of it may call again.
    this.#counts = { served: this.#served, aborted: 0 };
    for (const open of this.#all) {
      if (open.isServed) open.connection.announceShutdown();
      else {
        this.#arrivals?.remove(open);
        open.connection.abort();
      }
    }
    this.#arrivals?.end();
  }

  get shutdownResult(): ShutdownResult {
    const { served, aborted } = this.#counts!;
    return { ended: served - aborted, aborted };
  }

  // The way of one connection.

  #open(transport: StartableTransport): void {
    const connection = this.#handler.connectionAccepted(transport);
    const open = new OpenConnection(connection, this, this.#all.length);
    this.#all.push(open);
    connection.open(open);
  }

  ready(open: OpenConnection<Streams>): void {
    if (this.#arrivals === undefined) {
      this.#serve(open);
      open.connection.serve();
    } else if (!this.#arrivals.offer(open)) open.connection.abort();
    this.#changed();
  }

  #take(open: OpenConnection<Streams>): Streams {
    this.#serve(open);
    return open.connection.streams;
  }

  #serve(open: OpenConnection<Streams>): void {
    open.isServed = true;
    this.#served++;
  }

  ended(open: OpenConnection<Streams>): void {
    const last = this.#all.pop()!;
    if (last !== open) {
      last.index = open.index;
      this.#all[open.index] = last;
    }
    if (open.isServed) this.#served--;
    this.#arrivals?.remove(open);
    this.#places.leave();
    this.#changed();
  }
}
