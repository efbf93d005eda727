/** What a stream shows of its socket: as asyncio's TransportSocket, nothing that could read from it or write to it. */
import type { Socket } from "node:net";
import { checkBoolean, checkInteger } from "../../checks.js";
import type { Endpoint } from "../../transport/endpoint.js";
import type { TransportSocket } from "../../transport/transport.js";
import { EndpointSocket } from "../endpoint-socket.js";

/** What Linux takes as TCP_KEEPIDLE, in ms: the runtime would pass on more, and hide that it was refused. */
const LONGEST_IDLE = 32_767_000;

export class NodeTransportSocket extends EndpointSocket implements TransportSocket {
  readonly #socket: Socket;

  constructor(socket: Socket, local: Endpoint, remote: Endpoint | undefined) {
    super(local, remote);
    this.#socket = socket;
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
