/** Where a server of a test listens. */
import type { Server } from "asyncio-streams";

export function portOf(server: Server): number {
  const [, port] = server.sockets[0]!.getsockname() as readonly [string, number];
  return port;
}
