/** The backend of node:net, which Bun and Deno have too. */
import { Server as NetServer, Socket } from "node:net";
import { checkInteger } from "../../checks.js";
import { kindOf } from "../../describe.js";
import { InvalidStateError } from "../../errors.js";
import type {
  Backend,
  DialOptions,
  HostAddress,
  HostQuery,
  Listener,
  ListenOptions,
} from "../../transport/backend.js";
import { systemClock } from "../../waiting/clock.js";
import { showEndpoint, type Endpoint } from "../../transport/endpoint.js";
import type { StartableTransport } from "../../transport/transport.js";
import { ChannelTransport } from "../channel-transport.js";
import { dns } from "./builtins.js";
import { checkUnixPath, isTcp, localEndpoint, remoteEndpoint, UNNAMED } from "./endpoints.js";
import { listenAt, listenAtDescriptor, takeOver } from "./listener.js";
import { isBun, isDeno } from "./runtime.js";
import { SocketChannel } from "./socket-channel.js";
import { fromSystemError, toldRight } from "./system-errors.js";

export const nodeBackend: Backend = {
  clock: systemClock,
  get lookupHints() {
    const { ADDRCONFIG, ALL, V4MAPPED } = dns();
    return ADDRCONFIG | V4MAPPED | ALL;
  },
  whyNot,
  lookup: lookupHost,
  connect,
  adopt,
  listen: listenAt,
  adoptListener,
};

function whyNot(feature: Parameters<Backend["whyNot"]>[0]): string | undefined {
  const isWindows = process.platform === "win32";
  switch (feature) {
    case "unix":
      return isWindows ? "Unix sockets are not available on Windows" : undefined;
    case "noReuseAddress":
      return isWindows ? undefined : "this runtime always sets SO_REUSEADDR, so reuseAddress cannot be false";
    case "ipv6Only":
      return isDeno ? "on Deno a socket for IPv6 takes connections over IPv4 too" : undefined;
    case "reusePort":
      return canReusePort()
        ? undefined
        : `reusePort needs Node.js 22.12 or newer, this is ${process.version}`;
  }
}

function canReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

function lookupHost(host: string, { family, hints }: HostQuery): Promise<readonly HostAddress[]> {
  return new Promise((resolve, reject) => {
    dns().lookup(host, { all: true, family, hints, verbatim: true }, (error, addresses) => {
      if (error === null) resolve(addresses as HostAddress[]);
      else reject(fromSystemError(error));
    });
  });
}

function connect(endpoint: Endpoint, { signal, local }: DialOptions): Promise<StartableTransport> {
  if (endpoint.kind === "unix") checkUnixPath(endpoint.path);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = new Socket({ allowHalfOpen: true });
    const onAbort = () => {
      socket.off("connect", onConnect).destroy();
      reject(signal.reason);
    };
    // It stays: the socket may have failed, and not told it yet, when the attempt is aborted.
    const onError = (error: NodeJS.ErrnoException) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      if (local === undefined || !isOfBinding(error)) {
        reject(fromSystemError(error, `Connect call failed ${showEndpoint(endpoint)}`));
        return;
      }
      const what = `error while attempting to bind on address ${showEndpoint(local)}`;
      reject(fromSystemError(toldRight(Object.assign(error, { syscall: "bind" })), what));
    };
    const onConnect = () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      resolve(transportOver(socket, endpoint));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", onError).once("connect", onConnect);
    if (endpoint.kind === "unix") {
      socket.connect({ path: endpoint.path });
      return;
    }
    const { address: host, port, family } = endpoint;
    const from = local === undefined ? {} : { localAddress: local.address, localPort: local.port };
    socket.connect({ host, port, family, autoSelectFamily: false, ...from });
  });
}

/** Whether it is the local address that is wrong. Bun says so by the code alone, and names the call that connects. */
function isOfBinding({ syscall, code = "" }: NodeJS.ErrnoException): boolean {
  return syscall === "bind" || (isBun && ["EADDRNOTAVAIL", "EADDRINUSE", "EACCES"].includes(code));
}

function transportOver(socket: Socket, endpoint: Endpoint): StartableTransport {
  if (endpoint.kind === "unix") return new ChannelTransport(new SocketChannel(socket, UNNAMED, endpoint));
  socket.setNoDelay(true);
  return new ChannelTransport(new SocketChannel(socket, localEndpoint(socket), remoteEndpoint(socket)));
}

/** Marks a socket that has become a stream's. */
const TAKEN_OVER = Symbol("taken over by a stream");

function adopt(sock: unknown, kind: "any" | "unix"): StartableTransport {
  const expected = kind === "unix" ? "A UNIX Domain Stream Socket" : "A Stream Socket";
  if (!(sock instanceof Socket)) throw new TypeError(`${expected} was expected, got ${kindOf(sock)}`);
  if ("encrypted" in sock) throw new TypeError("Socket cannot be of type TLSSocket");
  if (sock.destroyed) throw new InvalidStateError("sock is closed");
  if (sock.connecting || sock.pending) throw new InvalidStateError("sock is not connected");
  if (TAKEN_OVER in sock) throw new InvalidStateError("sock belongs to a stream already");
  if (sock.readableEncoding !== null) {
    throw new InvalidStateError(`sock has the encoding ${sock.readableEncoding} set, so its bytes are lost`);
  }
  const isUnix = !isTcp(sock);
  if (kind === "unix" && !isUnix) throw new TypeError(`${expected} was expected, got a TCP socket`);
  // Only those that there are: after the removal of "readable" listeners the runtime resumes the socket, a tick later.
  for (const name of ["data", "readable", "end"]) {
    if (sock.listenerCount(name) > 0) sock.removeAllListeners(name);
  }
  Object.defineProperty(sock, TAKEN_OVER, { value: true });
  sock.pause();
  sock.allowHalfOpen = true;
  const transport = transportOver(sock, isUnix ? UNNAMED : localEndpoint(sock));
  if (!sock.writable) transport.writeEof();
  return transport;
}

/** The runtime would cut a larger one to another, without a word. */
const LARGEST_DESCRIPTOR = 2 ** 31 - 1;

async function adoptListener(sock: unknown, kind: "any" | "unix", options: ListenOptions): Promise<Listener> {
  if (sock instanceof NetServer) {
    if (sock.listenerCount("connection") > 0) {
      throw new InvalidStateError("sock has a connection listener, which would compete for its connections");
    }
    return takeOver(sock, kind, options);
  }
  if (typeof sock === "object" && sock !== null && "fd" in sock) {
    const fd = checkInteger("sock.fd", sock.fd, 0, LARGEST_DESCRIPTOR);
    return await listenAtDescriptor(fd, kind, options);
  }
  throw new TypeError(`sock must be a net.Server or { fd }, not ${kindOf(sock)}`);
}
