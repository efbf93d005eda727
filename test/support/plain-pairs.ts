/** Plain connections of a server and its client, on which both ends can start TLS. */
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import {
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  type Connection,
  type Server,
  type Truncation,
} from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { portOf } from "./addresses.js";
import { temporaryFolder } from "./folders.js";

type Cleanup = (undo: () => unknown) => void;

/** What carries the bytes below TLS, and whether the engine runs on the socket itself or through a stream in JavaScript. */
export interface Way {
  readonly over: "tcp" | "sock" | "unix" | "memory";
  readonly truncation: Truncation;
}

/** All that differ in the code that runs. */
export const WAYS: readonly (Way & { readonly name: string })[] = [
  { name: "native", over: "tcp", truncation: "ignore" },
  { name: "bridged", over: "tcp", truncation: "report" },
  { name: "in memory", over: "memory", truncation: "ignore" },
];

export interface PlainPair {
  readonly client: Connection;
  readonly server: Pick<Connection, "reader" | "writer">;
  /** The server that accepted the connection. */
  readonly acceptor: Server;
}

export interface PairOptions {
  /** The readers' limit, in bytes. */
  readonly limit?: number;
}

/** The client knows its server as 127.0.0.1; over a Unix socket or a given one it knows no name. Both ends are aborted after the running test. */
export async function plainPair(
  cleanup: Cleanup,
  over: Way["over"],
  options: PairOptions = {},
): Promise<PlainPair> {
  let callback!: (reader: Connection["reader"], writer: Connection["writer"]) => void;
  const accepted = new Promise<PlainPair["server"]>((resolve) => {
    callback = (reader, writer) => resolve({ reader, writer });
  });
  const [acceptor, open] = await listen(cleanup, over, callback, options);
  cleanup(() => acceptor[Symbol.asyncDispose]());
  const client = await open();
  const server = await accepted;
  for (const { writer } of [client, server]) cleanup(() => writer.transport.abort());
  return { client, server, acceptor };
}

async function listen(
  cleanup: Cleanup,
  over: Way["over"],
  callback: (reader: Connection["reader"], writer: Connection["writer"]) => void,
  options: PairOptions,
): Promise<[Server, () => Promise<Connection>]> {
  const host = "127.0.0.1";
  if (over === "unix") {
    const path = join(await temporaryFolder(cleanup), "s");
    return [await startUnixServer(callback, path, options), () => openUnixConnection(path, options)];
  }
  if (over === "tcp") {
    const server = await startServer(callback, host, 0, options);
    return [server, () => openConnection(host, portOf(server), options)];
  }
  if (over === "sock") {
    const server = await startServer(callback, host, 0, options);
    const sock = connect(portOf(server), host);
    await once(sock, "connect");
    return [server, () => openConnection({ sock, ...options })];
  }
  const network = memoryNetwork();
  const server = await startServer(callback, host, 0, { ...options, network });
  return [server, () => openConnection(host, portOf(server), { ...options, network })];
}
