/** Streams that are connected with each other, or with a bare socket. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { openConnection, type Connection } from "asyncio-streams";
import { ChannelTransport } from "#src/backends/channel-transport.js";
import { MemoryChannel } from "#src/testing/network/socket-channel.js";
import { createConnection, type ConnectionOptions } from "#src/streams/connection.js";
import { temporaryFolder } from "./folders.js";

type Cleanup = (undo: () => unknown) => void;

const ADDRESS = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

/** Two connections in memory, on the clock of `options`; the near one is watched by its liveness. `reset` ends them as an RST from the far one. */
export function connectedInMemory(
  limit = 65_536,
  options: Pick<ConnectionOptions, "clock" | "liveness"> = {},
): { near: Connection; far: Connection; reset: () => void } {
  const [near, far] = MemoryChannel.pair(ADDRESS, { ...ADDRESS, port: 2 });
  return {
    near: createConnection(new ChannelTransport(near), { limit, side: "client", ...options }),
    far: createConnection(new ChannelTransport(far), { limit, side: "client", clock: options.clock }),
    reset: () => far.reset(),
  };
}

/**
 * A connection, the socket below it, and the bare socket at its other end, which is paused. `prepare` gets the socket
 * before the connection takes it over.
 */
export async function connectedToSocket(
  cleanup: Cleanup,
  kind: "tcp" | "unix" = "tcp",
  prepare: (sock: Socket) => void = () => {},
): Promise<{ connection: Connection; sock: Socket; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  cleanup(() => new Promise((resolve) => server.close(resolve)));
  const path = kind === "unix" ? join(await temporaryFolder(cleanup), "s") : undefined;
  server.listen(path === undefined ? { host: "127.0.0.1", port: 0 } : { path });
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const address = server.address()!;
  const sock = typeof address === "string" ? connect(address) : connect(address.port, "127.0.0.1");
  await once(sock, "connect");
  prepare(sock);
  const connection = await openConnection({ sock });
  const [peer] = await accepted;
  peer.on("error", () => {});
  cleanup(() => {
    peer.destroy();
    connection.writer.transport.abort();
    return connection.writer.waitClosed().catch(() => {});
  });
  return { connection, sock, peer };
}
