/** Where a socket is bound or connected, as plain data. */

/** One address of TCP, numeric. */
export interface TcpEndpoint {
  readonly kind: "tcp";
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

/** A Unix socket: a path, or on Linux an abstract name that starts with a NUL. Empty for a socket without a name. */
interface UnixEndpoint {
  readonly kind: "unix";
  readonly path: string;
}

/** Where a socket is bound or connected. */
export type Endpoint = TcpEndpoint | UnixEndpoint;

/**
 * An address in asyncio's form: `[host, port]` for IPv4, `[host, port, flowinfo, scopeid]` for IPv6, the path for a Unix
 * socket (`""` for one without a name). `flowinfo` and `scopeid` are always 0: the runtimes do not tell them.
 */
export type SocketAddress =
  | readonly [host: string, port: number]
  | readonly [host: string, port: number, flowinfo: number, scopeid: number]
  | string;

export function toSocketAddress(endpoint: Endpoint): SocketAddress {
  if (endpoint.kind === "unix") return endpoint.path;
  if (endpoint.family === 4) return [endpoint.address, endpoint.port];
  return [endpoint.address, endpoint.port, 0, 0];
}

/** For messages: `('127.0.0.1', 80)`, as asyncio shows addresses. */
export function showEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `'${endpoint.path.replaceAll("\0", "\\0")}'`;
  return `('${endpoint.address}', ${endpoint.port})`;
}
