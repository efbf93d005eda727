/** The listening sockets of a server, as its user sees them. */
import { toSocketAddress, type Endpoint, type SocketAddress } from "../transport/endpoint.js";

/** One listening socket. */
export interface ListeningSocket {
  /** In asyncio's form. */
  getsockname(): SocketAddress;
  /** In the form of `net.Server`'s `address()`. */
  address(): { readonly address: string; readonly port: number; readonly family: "IPv4" | "IPv6" } | string;
}

export function toListeningSocket(endpoint: Endpoint): ListeningSocket {
  return {
    getsockname: () => toSocketAddress(endpoint),
    address: () => toNodeAddress(endpoint),
  };
}

function toNodeAddress(endpoint: Endpoint): ReturnType<ListeningSocket["address"]> {
  if (endpoint.kind === "unix") return endpoint.path;
  return { address: endpoint.address, port: endpoint.port, family: endpoint.family === 4 ? "IPv4" : "IPv6" };
}
