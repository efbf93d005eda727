/** What connects and listens in place of the runtime's sockets. */
import { kindOf } from "../describe.js";
import type { Backend } from "./backend.js";

/**
 * A network for the option `network` of the functions that connect and serve, as `memoryNetwork()` of
 * "asyncio-streams/testing" makes one. Opaque.
 */
export class Network {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** @throws TypeError if `network` is none */
  static backendOf(network: unknown): Backend {
    if (network instanceof Network) return network.#backend;
    throw new TypeError(`network must be one that memoryNetwork() has made, not ${kindOf(network)}`);
  }
}
