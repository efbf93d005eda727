/** A TLS engine of node:tls whose records a test carries itself, so that it decides when and in which pieces they go. */
import { Duplex } from "node:stream";
import { connect, TLSSocket, type ConnectionOptions, type TLSSocketOptions } from "node:tls";
import type { Connection } from "asyncio-streams";
import { MemoryChannel } from "#src/testing/network/socket-channel.js";
import { ChannelTransport } from "#src/backends/channel-transport.js";
import { createConnection } from "#src/streams/connection.js";
import { connectedToSocket } from "./connections.js";
import { nextTurn } from "./turns.js";

/** What carries bytes to the code under test. */
export interface Wire {
  send(bytes: Uint8Array): void;
  /** Calls `receive` with what comes back, also with what came before. */
  listen(receive: (bytes: Uint8Array) => void): void;
}

/** A connection with the default limit that knows its peer as 127.0.0.1. */
export interface WiredConnection {
  readonly connection: Connection;
  readonly wire: Wire;
}

export class HeldEngine {
  readonly socket: TLSSocket;
  readonly #wire: HeldWire;

  constructor(makeSocket: (wire: Duplex) => TLSSocket) {
    this.#wire = new HeldWire();
    this.socket = makeSocket(this.#wire).on("error", () => {});
  }

  static client(options: ConnectionOptions): HeldEngine {
    return new HeldEngine((socket) => connect({ ...options, socket, host: "127.0.0.1", servername: "" }));
  }

  static server(options: TLSSocketOptions): HeldEngine {
    return new HeldEngine((wire) => new TLSSocket(wire, { ...options, isServer: true }));
  }

  /** The records that wait to be sent; none are sent before somebody has asked for these. */
  async takeRecords(): Promise<Buffer> {
    while (this.#wire.held.length === 0) await nextTurn();
    return Buffer.concat(this.#wire.held.splice(0));
  }

  /** From now on records wait again. */
  hold(): void {
    this.#wire.send = (bytes) => void this.#wire.held.push(bytes);
  }

  /** What the peer has sent. */
  receive(bytes: Uint8Array): void {
    this.#wire.push(bytes);
  }

  /** From now on all records go over `wire` at once, both ways. */
  carryOver(wire: Wire): void {
    this.#wire.send = (bytes) => wire.send(bytes);
    for (const bytes of this.#wire.held.splice(0)) wire.send(bytes);
    wire.listen((bytes) => this.receive(bytes));
  }
}

class HeldWire extends Duplex {
  readonly held: Uint8Array[] = [];
  send: (bytes: Uint8Array) => void = (bytes) => void this.held.push(bytes);

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: unknown, done: () => void): void {
    this.send(Buffer.from(bytes));
    done();
  }
}

const ADDRESS = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

/** A connection in memory, and the bare wire to it. What is sent at once arrives as one chunk. */
export function wiredInMemory(): WiredConnection {
  const [near, far] = MemoryChannel.pair(ADDRESS, { ...ADDRESS, port: 2 });
  const connection = createConnection(new ChannelTransport(near), {
    limit: 65_536,
    side: "client",
    host: "127.0.0.1",
  });
  let isOpen = true;
  const end = () => {
    isOpen = false;
    far.destroy();
  };
  const { receive, listen } = lateListener();
  far.start({
    dataReceived: receive,
    eofReceived: end,
    bufferShrank() {},
    writingFailed() {},
    closed: end,
  });
  return { connection, wire: { listen, send: (bytes) => void (isOpen && far.write(bytes)) } };
}

/** A connection over TCP, and the bare wire to it. */
export async function wiredOverTcp(cleanup: (undo: () => unknown) => void): Promise<WiredConnection> {
  const { connection, peer } = await connectedToSocket(cleanup);
  const { receive, listen } = lateListener();
  peer
    .on("data", receive)
    .on("end", () => peer.destroy())
    .resume();
  return { connection, wire: { listen, send: (bytes) => void (peer.writable && peer.write(bytes)) } };
}

function lateListener(): Pick<Wire, "listen"> & { receive: (bytes: Uint8Array) => void } {
  const waiting: Uint8Array[] = [];
  let listener = (bytes: Uint8Array): void => void waiting.push(bytes);
  return {
    receive: (bytes) => listener(bytes),
    listen(newListener) {
      listener = newListener;
      for (const bytes of waiting.splice(0)) listener(bytes);
    },
  };
}
