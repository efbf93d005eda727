/** What a stream shows of its socket: as asyncio's TransportSocket, nothing that could read from it or write to it. */
import type { Socket } from "node:net";
import { checkBoolean, checkInteger } from "../../checks.js";
import { toSocketAddress, type Endpoint, type SocketAddress } from "../../transport/endpoint.js";
import type { TransportSocket } from "../../transport/transport.js";

/** What Linux takes as TCP_KEEPIDLE, in ms: the runtime would pass on more, and hide that it was refused. */
const LONGEST_IDLE = 32_767_000;

export class NodeTransportSocket implements TransportSocket {
  readonly #socket: Socket;
  readonly #local: Endpoint;
  readonly #remote: Endpoint | undefined;

  constructor(socket: Socket, local: Endpoint, remote: Endpoint | undefined) {
    this.#socket = socket;
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

  setKeepAlive(enable: boolean, initialDelay = 0): void {
    checkBoolean("enable", enable);
    this.#socket.setKeepAlive(enable, checkInteger("initialDelay", initialDelay, 0, LONGEST_IDLE));
  }

  setNoDelay(enable: boolean): void {
    this.#socket.setNoDelay(checkBoolean("enable", enable));
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}
