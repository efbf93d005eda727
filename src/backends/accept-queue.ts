/** Accepted connections that nobody serves yet: they wait, unread, as they would in the system's backlog. */
import type { ListenerEvents } from "../transport/backend.js";
import type { StartableTransport } from "../transport/transport.js";

export class AcceptQueue {
  readonly #mostHeld: number;
  #held: StartableTransport[] = [];
  #events: ListenerEvents | undefined;
  #isClosed = false;

  /** Connections beyond `mostHeld` are dropped; it holds one at least, as the systems do for a backlog of 0. */
  constructor(mostHeld: number) {
    this.#mostHeld = Math.max(1, mostHeld);
  }

  connectionAccepted(transport: StartableTransport): void {
    if (this.#isClosed) transport.abort();
    else if (this.#events !== undefined) this.#events.connectionAccepted(transport);
    else if (this.#held.length < this.#mostHeld) this.#held.push(transport);
    else transport.abort();
  }

  acceptFailed(error: Error): void {
    this.#events?.acceptFailed(error);
  }

  /** Hands over what waits, and from then on what comes. */
  open(events: ListenerEvents): void {
    this.#events = events;
    const held = this.#held;
    this.#held = [];
    for (const transport of held) events.connectionAccepted(transport);
  }

  close(): void {
    this.#isClosed = true;
    for (const transport of this.#held) transport.abort();
    this.#held = [];
  }
}
