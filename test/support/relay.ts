/** A relay between a client and a server, where a test meddles with what passes. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { nextTurn } from "./turns.js";

/** Passes the bytes of one chunk on. */
type Forward = (chunk: Buffer, to: Socket) => unknown;

/** The two sockets of the relay. */
export interface Relayed {
  readonly toClient: Socket;
  readonly toServer: Socket;
}

/** In pieces of a few bytes, each in a turn of its own. */
export async function inPieces(chunk: Buffer, to: Socket): Promise<void> {
  for (let start = 0; start < chunk.length; start += 7) {
    to.write(chunk.subarray(start, start + 7));
    await nextTurn();
  }
}

/** Listens for one client, whose connection ends with the running test at the latest. */
export async function relayTo(
  cleanup: (undo: () => unknown) => void,
  port: number,
  forward: Forward = (chunk, to) => to.write(chunk),
): Promise<{ port: number; relayed: Promise<Relayed> }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  cleanup(() => server.close());
  await once(server, "listening");
  const accept = async (): Promise<Relayed> => {
    const [toClient] = (await once(server, "connection")) as [Socket];
    const toServer = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    cleanup(() => {
      toClient.destroy();
      toServer.destroy();
    });
    pass(toClient, toServer, forward);
    pass(toServer, toClient, forward);
    return { toClient, toServer };
  };
  return { port: (server.address() as AddressInfo).port, relayed: accept() };
}

function pass(from: Socket, to: Socket, forward: Forward): void {
  let passed: Promise<unknown> = Promise.resolve();
  const afterwards = (step: () => unknown) => {
    passed = passed.then(step);
  };
  from.setNoDelay();
  from.on("data", (chunk: Buffer) => afterwards(() => forward(chunk, to)));
  from.on("end", () => afterwards(() => to.end()));
  from.on("error", () => to.destroy());
}
