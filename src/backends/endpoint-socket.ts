/** What is the same of the socket below every stream: where its two ends are. */
import { toSocketAddress, type Endpoint, type SocketAddress } from "../transport/endpoint.js";

export class EndpointSocket {
  readonly #local: Endpoint;
  readonly #remote: Endpoint | undefined;

  constructor(local: Endpoint, remote: Endpoint | undefined) {
    this.#local = local;
    this.#remote = remote;
  }

  get family(): "IPv4" | "IPv6" | "Unix" {
    if (this.#local.kind === "unix") return "Unix";
    return this.#local.family === 4 ? "IPv4" : "IPv6";
  }

  getsockname(): SocketAddress {
    return toSocketAddress(this.#local);
  }

  getpeername(): SocketAddress {
    return this.#remote === undefined ? "" : toSocketAddress(this.#remote);
  }
}
