/** Where a server of a test listens, and which addresses of its own this machine has. */
import { networkInterfaces } from "node:os";
import type { Server } from "asyncio-streams";

export function portOf(server: Server): number {
  return portsOf(server)[0]!;
}

export function portsOf(server: Server): number[] {
  return server.sockets.map((socket) => (socket.getsockname() as readonly [string, number])[1]);
}

export function hostsOf(server: Server): string[] {
  return server.sockets.map((socket) => (socket.getsockname() as readonly [string, number])[0]);
}

/** Why tests of IPv6 are skipped. */
export const noIpv6: string | false = Object.values(networkInterfaces())
  .flat()
  .some((network) => network?.address === "::1")
  ? false
  : "this machine has no IPv6 loopback";

/** A loopback address besides 127.0.0.1. */
export const otherLoopback: string = process.platform === "linux" ? "127.0.0.2" : "::1";

/** Kept for documents: no machine has it. */
export const foreignAddress = "203.0.113.1";
