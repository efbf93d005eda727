/** Streams that are connected with each other, or with a bare socket. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { openConnection, openUnixConnection, type Connection } from "asyncio-streams";
import { createMemoryBackend } from "#src/backends/memory/backend.js";
import { MemoryChannel } from "#src/backends/memory/socket-channel.js";
import { createConnection } from "#src/streams/connection.js";
import { temporaryFolder } from "./folders.js";

type Cleanup = (undo: () => unknown) => void;

const ADDRESS = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

/** Two connections in memory. `reset` ends them as an RST from the far one. */
export function connectedInMemory(limit = 65_536): { near: Connection; far: Connection; reset: () => void } {
  const backend = createMemoryBackend();
  const [near, far] = MemoryChannel.pair(ADDRESS, { ...ADDRESS, port: 2 });
  return {
    near: createConnection(backend.adopt(near, "any"), { limit, side: "client" }),
    far: createConnection(backend.adopt(far, "any"), { limit, side: "client" }),
    reset: () => far.reset(),
  };
}

/** A connection and the bare socket at its other end, which is paused. */
export async function connectedToSocket(
  cleanup: Cleanup,
  kind: "tcp" | "unix" = "tcp",
): Promise<{ connection: Connection; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  cleanup(() => new Promise((resolve) => server.close(resolve)));
  const path = kind === "unix" ? join(await temporaryFolder(cleanup), "s") : undefined;
  server.listen(path === undefined ? { host: "127.0.0.1", port: 0 } : { path });
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const address = server.address();
  const connection = await (typeof address === "string"
    ? openUnixConnection(address)
    : openConnection("127.0.0.1", address!.port));
  const [peer] = await accepted;
  peer.on("error", () => {});
  cleanup(() => {
    peer.destroy();
    connection.writer.transport.abort();
    return connection.writer.waitClosed().catch(() => {});
  });
  return { connection, peer };
}
