/** A name in memory that connections come from. */
import { AcceptQueue } from "../../backends/accept-queue.js";
import type { Listener, ListenerEvents } from "../../transport/backend.js";
import type { Endpoint } from "../../transport/endpoint.js";
import type { StartableTransport } from "../../transport/transport.js";

export class MemoryListener implements Listener {
  readonly endpoint: Endpoint;
  readonly #queue: AcceptQueue;
  readonly #free: () => void;
  #isClosed = false;

  /** `free` gives the name back. */
  constructor(endpoint: Endpoint, backlog: number, free: () => void) {
    this.endpoint = endpoint;
    this.#queue = new AcceptQueue(backlog);
    this.#free = free;
  }

  /** Takes the server's end of a new connection. */
  connectionMade(transport: StartableTransport): void {
    this.#queue.connectionAccepted(transport);
  }

  accept(events: ListenerEvents): void {
    this.#queue.open(events);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#free();
    this.#queue.close();
  }
}
