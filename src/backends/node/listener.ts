/** One listening socket of node:net. */
import { createServer, type ListenOptions as NetListenOptions, type Server, type Socket } from "node:net";
import { InvalidStateError } from "../../errors.js";
import type { Listener, ListenerEvents, ListenOptions } from "../../transport/backend.js";
import { showEndpoint, type Endpoint } from "../../transport/endpoint.js";
import { AcceptQueue } from "../accept-queue.js";
import { ChannelTransport } from "../channel-transport.js";
import {
  checkUnixPath,
  isAbstract,
  isAnyAddress,
  listeningEndpoint,
  localEndpoint,
  remoteEndpoint,
  UNNAMED,
} from "./endpoints.js";
import { SocketChannel } from "./socket-channel.js";
import { fromSystemError, toldRight } from "./system-errors.js";
import {
  checkReplaceable,
  identify,
  isStill,
  keepFile,
  moveInPlace,
  removeIfOurs,
  removeQuietly,
  temporaryNameFor,
  toldOf,
  type FileIdentity,
} from "./unix-file.js";

/** Its type in Node.js 20 lacks two that it, or newer versions, take. */
type Where = NetListenOptions & {
  readonly backlog: number;
  readonly fd?: number;
  readonly reusePort?: boolean;
};

/** Binds `endpoint` and listens. Nothing is left behind when that fails. */
export async function listenAt(endpoint: Endpoint, options: ListenOptions): Promise<NodeListener> {
  if (endpoint.kind === "unix") checkUnixPath(endpoint.path);
  const server = makeServer();
  const { backlog, reusePort } = options;
  if (endpoint.kind === "unix") {
    return isAbstract(endpoint.path)
      ? await bind(server, endpoint, { path: endpoint.path, backlog }, options)
      : await bindInPlace(server, endpoint.path, options);
  }
  const { address, port, family } = endpoint;
  const where = { host: address, port, ipv6Only: family === 6, backlog, exclusive: true };
  return await bind(server, endpoint, reusePort ? { ...where, reusePort } : where, options);
}

/** Listens at the descriptor `fd`. */
export async function listenAtDescriptor(
  fd: number,
  kind: "any" | "unix",
  options: ListenOptions,
): Promise<NodeListener> {
  const server = makeServer();
  await listening(server, { fd, backlog: options.backlog }, explainAt(`file descriptor ${fd}`));
  try {
    return takeOver(server, kind, options);
  } catch (error) {
    server.close();
    throw error;
  }
}

/** Goes on with a server that listens, and has no connection listener. */
export function takeOver(server: Server, kind: "any" | "unix", options: ListenOptions): NodeListener {
  const endpoint = listeningEndpoint(server);
  if (endpoint === undefined) throw new InvalidStateError("sock is a net.Server that does not listen");
  if (kind === "unix" && endpoint.kind !== "unix")
    throw new TypeError("A UNIX Domain Stream Socket was expected, got a TCP socket");
  Object.assign(server, { allowHalfOpen: true, pauseOnConnect: true, keepAlive: options.keepAlive });
  const file = endpoint.kind === "unix" && options.cleanupSocket ? identify(endpoint.path) : undefined;
  return new NodeListener(server, endpoint, options, file);
}

async function bind(
  server: Server,
  endpoint: Endpoint,
  where: Where,
  options: ListenOptions,
): Promise<NodeListener> {
  const explain = (error: Error) => explainAt(`address ${showEndpoint(endpoint)}`)(toldRight(error));
  await listening(server, where, explain);
  return new NodeListener(server, endpoint.kind === "tcp" ? listeningEndpoint(server)! : endpoint, options);
}

/** At a path: a stale socket there is replaced at once, any other file is refused. */
async function bindInPlace(server: Server, path: string, options: ListenOptions): Promise<NodeListener> {
  checkReplaceable(path);
  const temporary = temporaryNameFor(path);
  const explain = (error: unknown) => explainAt(`address '${path}'`)(toldOf(path, temporary, error as Error));
  await listening(server, { path: temporary, backlog: options.backlog }, explain);
  try {
    const file = moveInPlace(temporary, path);
    return new NodeListener(
      server,
      { kind: "unix", path },
      options,
      options.cleanupSocket ? file : undefined,
    );
  } catch (error) {
    server.close();
    removeQuietly(temporary);
    throw explain(error);
  }
}

function explainAt(what: string): (error: Error) => Error {
  return (error) => fromSystemError(error, `error while attempting to bind on ${what}`);
}

function makeServer(): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true });
}

/** A backlog of 0 would be the runtime's default; to the system 0 is as good as 1. */
function listening(server: Server, where: Where, explain: (error: Error) => Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(explain(error));
    server.once("error", onError);
    server.listen({ ...where, backlog: Math.max(1, where.backlog) }, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

class NodeListener implements Listener {
  readonly endpoint: Endpoint;
  readonly #server: Server;
  readonly #queue: AcceptQueue;
  readonly #keepAlive: boolean;
  readonly #file: FileIdentity | undefined;

  /** `file`: what to remove at the end. */
  constructor(server: Server, endpoint: Endpoint, options: ListenOptions, file?: FileIdentity) {
    this.#server = server;
    this.endpoint = endpoint;
    this.#queue = new AcceptQueue(options.backlog);
    this.#keepAlive = options.keepAlive;
    this.#file = file;
    server.on("connection", (socket) => this.#onConnection(socket));
    server.on("error", (error) => this.#queue.acceptFailed(fromSystemError(error)));
  }

  accept(events: ListenerEvents): void {
    this.#queue.open(events);
  }

  close(): void {
    if (!this.#server.listening) return;
    const { endpoint } = this;
    // A server that was taken over has bound the path itself, so the runtime removes whatever lies there.
    const isBoundThere = endpoint.kind === "unix" && this.#server.address() === endpoint.path;
    if (isBoundThere && !isStill(endpoint.path, this.#file)) {
      keepFile(endpoint.path, () => this.#server.close());
    } else this.#server.close();
    this.#queue.close();
    if (endpoint.kind === "unix") removeIfOurs(endpoint.path, this.#file);
  }

  #onConnection(socket: Socket): void {
    const isUnix = this.endpoint.kind === "unix";
    // Not by the options of the server, which Deno passes over.
    if (!isUnix) socket.setNoDelay(true);
    if (this.#keepAlive) socket.setKeepAlive(true);
    const local = isUnix || !isAnyAddress(this.endpoint) ? this.endpoint : localEndpoint(socket);
    const remote = isUnix ? UNNAMED : remoteEndpoint(socket);
    this.#queue.connectionAccepted(new ChannelTransport(new SocketChannel(socket, local, remote)));
  }
}
