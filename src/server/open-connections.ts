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

export class OpenConnections<Streams extends object> implements ConnectionOwner<Streams> {
  readonly #handler: ServerHandler<Streams>;
  readonly #changed: () => void;
  readonly #places: Places;
  /** If there is no callback. */
  readonly #arrivals: Arrivals<AcceptedConnection<Streams>, Streams> | undefined;
  /** All that have a place. */
  readonly #all = new Set<AcceptedConnection<Streams>>();
  /** Those among them that somebody works with: the callback, or who has taken them. */
  readonly #served = new Set<AcceptedConnection<Streams>>();
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
    return this.#all.size;
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
    const isNonePrepared = this.#all.size === waiting + this.#served.size;
    if (isNonePrepared) this.#arrivals?.end();
  }

  closeAll(): void {
    for (const connection of this.#all) connection.close();
  }

  abortAll(): void {
    const counts = this.#counts;
    if (counts !== undefined) counts.aborted = Math.max(counts.aborted, this.#served.size);
    for (const connection of this.#all) connection.abort();
  }

  /** Tells those that are served, and gives up the others. Idempotent. */
  beginShutdown(): void {
    if (this.#counts !== undefined) return;
    // A callback that hears of it may call again.
    this.#counts = { served: this.#served.size, aborted: 0 };
    for (const connection of this.#all) {
      if (this.#served.has(connection)) connection.announceShutdown();
      else {
        this.#arrivals?.remove(connection);
        connection.abort();
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
    this.#all.add(connection);
    connection.open(this);
  }

  connectionReady(connection: AcceptedConnection<Streams>): void {
    if (this.#arrivals === undefined) {
      this.#served.add(connection);
      connection.serve();
    } else if (!this.#arrivals.offer(connection)) connection.abort();
    this.#changed();
  }

  #take(connection: AcceptedConnection<Streams>): Streams {
    this.#served.add(connection);
    return connection.streams;
  }

  connectionEnded(connection: AcceptedConnection<Streams>): void {
    this.#all.delete(connection);
    this.#served.delete(connection);
    this.#arrivals?.remove(connection);
    this.#places.leave();
    this.#changed();
  }
}
