/** A name in memory that connections come from. */
import type { Listener, ListenerEvents } from "../../transport/backend.js";
import type { Endpoint } from "../../transport/endpoint.js";
import { AcceptQueue } from "../accept-queue.js";
import { ChannelTransport } from "../channel-transport.js";
import { MemoryChannel } from "./socket-channel.js";

export class MemoryListener implements Listener {
  readonly endpoint: Endpoint;
  readonly #queue: AcceptQueue;
  readonly #free: () => void;

  /** `free` gives the name back. */
  constructor(endpoint: Endpoint, backlog: number, free: () => void) {
    this.endpoint = endpoint;
    this.#queue = new AcceptQueue(backlog);
    this.#free = free;
  }

  /** Makes a connection, and returns the end of who asked for it. */
  connect(from: Endpoint): ChannelTransport {
    const [client, server] = MemoryChannel.pair(from, this.endpoint);
    this.#queue.connectionAccepted(new ChannelTransport(server));
    return new ChannelTransport(client);
  }

  accept(events: ListenerEvents): void {
    this.#queue.open(events);
  }

  close(): void {
    this.#free();
    this.#queue.close();
  }
}
