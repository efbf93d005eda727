/** Where the sockets of node:net are, as endpoints; and what can be a path of a Unix socket. */
import type { Server, Socket } from "node:net";
import type { Endpoint } from "../../transport/endpoint.js";

/** Whether it is a TCP socket, and not a Unix one. Bun has the same keys for both, without values. */
export function isTcp(socket: Socket): boolean {
  return (socket.address() as { readonly address?: string }).address !== undefined;
}

export const UNNAMED: Endpoint = { kind: "unix", path: "" };

export function localEndpoint(socket: Socket): Endpoint {
  return tcpEndpoint(socket.localAddress, socket.localPort) ?? UNNAMED;
}

/** `undefined` if the peer is gone already. */
export function remoteEndpoint(socket: Socket): Endpoint | undefined {
  return tcpEndpoint(socket.remoteAddress, socket.remotePort);
}

/**
 * `undefined` if it does not listen. The runtime does not know the path of a Unix socket that came as a descriptor: Node.js
 * says `null`, Bun an object without address.
 */
export function listeningEndpoint(server: Server): Endpoint | undefined {
  if (!server.listening) return undefined;
  const address = server.address();
  if (typeof address === "string") return { kind: "unix", path: address };
  return tcpEndpoint(address?.address, address?.port) ?? UNNAMED;
}

function tcpEndpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  if (address === undefined || port === undefined) return undefined;
  return { kind: "tcp", address, port, family: address.includes(":") ? 6 : 4 };
}

/** Whether connections come to any of the machine's addresses there, each to its own. */
export function isAnyAddress(endpoint: Endpoint): boolean {
  return endpoint.kind === "tcp" && /^[0f:.]+$/.test(endpoint.address);
}

/** How many bytes a path of a Unix socket may have. */
const LONGEST_PATH = process.platform === "linux" ? 107 : 103;

/** @throws RangeError for a path that the system would refuse, or cut without a word */
export function checkUnixPath(path: string): void {
  const shown = JSON.stringify(path);
  if (path === "") throw new RangeError("path must not be empty");
  if (isAbstract(path) && process.platform !== "linux") {
    throw new RangeError(`abstract names such as ${shown} exist on Linux only`);
  }
  if (path.includes("\0", 1)) throw new RangeError(`path must not have a NUL inside, got ${shown}`);
  const size = Buffer.byteLength(path);
  if (size > LONGEST_PATH) {
    throw new RangeError(
      `path has ${size} bytes, but a Unix socket's may have at most ${LONGEST_PATH}: ${shown}`,
    );
  }
}

export function isAbstract(path: string): boolean {
  return path.startsWith("\0");
}

/** How many bytes the last part of a path in `folder` may have. */
export function roomForName(folder: string): number {
  return LONGEST_PATH - Buffer.byteLength(folder) - 1;
}
