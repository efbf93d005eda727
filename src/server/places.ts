/** How many connections are open at once, and what becomes of those beyond. */
import type { StartableTransport } from "../transport/transport.js";

export interface PlacesOptions {
  /** How many there are; Infinity for no limit. */
  readonly most: number;
  /** How many may wait for one, unread. */
  readonly mostHeld: number;
}

export class Places {
  readonly #most: number;
  readonly #mostHeld: number;
  readonly #serve: (transport: StartableTransport) => void;
  #taken = 0;
  #held: StartableTransport[] = [];

  /** `serve` is called for each connection that gets a place. */
  constructor({ most, mostHeld }: PlacesOptions, serve: (transport: StartableTransport) => void) {
    this.#most = most;
    this.#mostHeld = mostHeld;
    this.#serve = serve;
  }

  /** Serves it if there is a place, else holds it; refuses it if too many wait. */
  enter(transport: StartableTransport): void {
    if (this.#taken < this.#most) {
      this.#taken++;
      this.#serve(transport);
    } else if (this.#held.length < this.#mostHeld) this.#held.push(transport);
    else transport.abort();
  }

  /** One that had a place has ended: the one that waits longest gets it. */
  leave(): void {
    this.#taken--;
    const next = this.#held.shift();
    if (next !== undefined) this.enter(next);
  }

  dropHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const transport of held) transport.abort();
  }
}
