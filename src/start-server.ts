/** Serving: checks the arguments, lets the backend listen, and runs the callback with streams for each connection. */
import { nodeBackend } from "./backends/node/backend.js";
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkLimit,
  checkNoNul,
  checkOneOf,
  checkOptions,
  checkPort,
  isGiven,
  isOptionsObject,
} from "./checks.js";
import { kindOf } from "./describe.js";
import { ANY_ADDRESS, checkFamily, checkFlags, resolveHost } from "./connect/resolve-host.js";
import { toUnixPath, type PathLike } from "./connect/unix-path.js";
import { NotImplementedError, OSError } from "./errors.js";
import {
  serveStreams,
  type ClientConnectedCallback,
  type Server,
  type ServeSettings,
} from "./serve-streams.js";
import type { OnError } from "./streams/connection-handler.js";
import { DEFAULT_LIMIT } from "./streams/receive-buffer.js";
import { SERVER_TLS_OPTIONS, serverTls, type ServerTlsOptions } from "./tls-options.js";
import type { Backend, Listener, ListenOptions } from "./transport/backend.js";
import { Network } from "./transport/network.js";
import { showEndpoint, type TcpEndpoint } from "./transport/endpoint.js";
import { checkLiveness, type LivenessOptions } from "./transport/liveness.js";
import type { Server as NetServer } from "node:net";

/** What `startServer` and `startUnixServer` have in common. */
export interface ServeOptions extends ServerTlsOptions {
  /** The readers' limit, in bytes. Default 65 536. */
  readonly limit?: number | undefined;
  /** A listening socket to take over instead of an address: a `net.Server` without connection listener, or `{ fd }`. */
  readonly sock?: NetServer | { readonly fd: number } | undefined;
  /**
   * How many connections may wait: in the kernel to be accepted, for `startServing()`, for a place among `maxConnections`,
   * or for `server.connections()` to take them. For each of these at least one, even with 0. Default 100.
   */
  readonly backlog?: number | undefined;
  /** `false`: bound and listening, but connections wait, unread, until `server.startServing()`. Default true. */
  readonly startServing?: boolean | undefined;
  /** How many connections may be open at once; one in its TLS handshake counts. At least 1. Default: no limit. */
  readonly maxConnections?: number | undefined;
  /**
   * What becomes of connections beyond `maxConnections`. `"wait"`: they are held, accepted and unread, TLS not begun, at
   * most `backlog` of them, and served in order as places become free; further ones are refused. `"refuse"`: they are
   * ended at once. Default `"wait"`.
   */
  readonly whenFull?: "wait" | "refuse" | undefined;
  /** Whether a connection is closed when the promise that its callback returned has settled. Default true. */
  readonly autoClose?: boolean | undefined;
  /** When to give up a connection whose client is silent or has stopped reading. Default: never. */
  readonly liveness?: LivenessOptions | undefined;
  /** Hears once of each error of a callback, and of accepting. Default: `console.error`. */
  readonly onError?: OnError | undefined;
  /** Serves there, instead of on the runtime's sockets; as `memoryNetwork()` of "asyncio-streams/testing" makes one. */
  readonly network?: Network | undefined;
}

/** What `startServer()` takes besides callback, host and port. */
export interface StartServerOptions extends ServeOptions {
  /** 4 or 6 for addresses of one kind only. Default 0, both. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** Hints of `node:dns` for the resolver (ADDRCONFIG, V4MAPPED, ALL), or-ed. */
  readonly flags?: number | undefined;
  /** SO_REUSEADDR, which the runtimes always set on POSIX: there `false` is refused. */
  readonly reuseAddress?: boolean | undefined;
  /** SO_REUSEPORT: several servers share the port. Needs Node.js 22.12. Default false. */
  readonly reusePort?: boolean | undefined;
  /** TCP keepalive on the connections. Default false. */
  readonly keepAlive?: boolean | undefined;
}

/** What `startUnixServer()` takes besides callback and path. */
export interface StartUnixServerOptions extends ServeOptions {
  /** Whether closing removes the socket's file, if it is still this server's. Default true. */
  readonly cleanupSocket?: boolean | undefined;
}

const DEFAULT_BACKLOG = 100;

const SERVE_OPTIONS = [
  "limit",
  "sock",
  "backlog",
  "startServing",
  "maxConnections",
  "whenFull",
  "autoClose",
  "liveness",
  "onError",
  "network",
  ...SERVER_TLS_OPTIONS,
] as const;
const TCP_OPTIONS = [...SERVE_OPTIONS, "family", "flags", "reuseAddress", "reusePort", "keepAlive"] as const;
const UNIX_OPTIONS = [...SERVE_OPTIONS, "cleanupSocket"] as const;

/**
 * Serves TCP connections: `clientConnectedCb` is called with a reader, a writer and a ConnectionContext for each. As
 * `asyncio.start_server`. With `null` instead of it the connections come from `server.connections()`.
 *
 * `host` is a name, an address or a list of them; none, or `""`, is every address of the machine. Each address has a
 * socket of its own, and with port 0 a port of its own.
 *
 * If the callback returns a promise, the connection is closed when that has settled, and a rejection goes to `onError`.
 *
 * ```ts
 * const server = await startServer(async (reader, writer) => {
 *   for await (const line of reader) writer.write(line);
 * }, "127.0.0.1", 8888);
 * await server.serveForever();
 * ```
 *
 * @throws OSError if an address cannot be bound; none stays bound then
 * @throws TypeError or RangeError for wrong arguments, before anything is opened
 */
export async function startServer(
  clientConnectedCb: ClientConnectedCallback | null,
  host?: string | readonly string[] | null,
  port?: number | string | null,
  options?: StartServerOptions,
): Promise<Server>;
export async function startServer(
  clientConnectedCb: ClientConnectedCallback | null,
  options: StartServerOptions,
): Promise<Server>;
export async function startServer(
  clientConnectedCb: ClientConnectedCallback | null,
  second?: string | readonly string[] | null | StartServerOptions,
  port?: number | string | null,
  options?: StartServerOptions,
): Promise<Server> {
  const isShort = isOptionsObject(second) && port === undefined && options === undefined;
  return isShort
    ? serveTcp(clientConnectedCb, undefined, undefined, second as StartServerOptions)
    : serveTcp(clientConnectedCb, second as string, port, options);
}

async function serveTcp(
  clientConnectedCb: ClientConnectedCallback | null,
  host: string | readonly string[] | null | undefined,
  port: number | string | null | undefined,
  options: StartServerOptions | undefined,
): Promise<Server> {
  const given = checkOptions<StartServerOptions>("startServer()", options, TCP_OPTIONS);
  const backend = given.network === undefined ? nodeBackend : Network.backendOf(given.network);
  const settings = checkServeOptions(backend, clientConnectedCb, given);
  const { family = 0, flags = 0, reuseAddress = true, reusePort = false, keepAlive = false } = given;
  checkBoolean("reuseAddress", reuseAddress);
  const listen: ListenOptions = {
    backlog: settings.backlog,
    reusePort: checkBoolean("reusePort", reusePort),
    keepAlive: checkBoolean("keepAlive", keepAlive),
    cleanupSocket: false,
  };
  if (!reuseAddress) refuseIfMissing(backend, "noReuseAddress");
  if (reusePort) refuseIfMissing(backend, "reusePort");
  const resolving = {
    family: checkFamily(family),
    flags: checkFlags(flags, backend),
    signal: new AbortController().signal,
    noHost: ANY_ADDRESS,
    passive: true,
  };
  const hosts = checkHosts(host);
  const portNumber = !isGiven(port) || port === "" ? 0 : checkPort("port", port);
  const hasAddress = isGiven(host) || isGiven(port);
  if (given.sock !== undefined) {
    if (hasAddress) throw new TypeError("host/port and sock can not be specified at the same time");
    return serveStreams([await backend.adoptListener(given.sock, "any", listen)], settings);
  }
  if (!hasAddress) throw new TypeError("Neither host/port nor sock were specified");
  const resolved = await Promise.all(hosts.map((name) => resolveHost(backend, name, portNumber, resolving)));
  return serveStreams(await bindAll(backend, distinct(resolved.flat()), listen), settings);
}

/**
 * Serves connections to a Unix socket. As `asyncio.start_unix_server`. Not on Windows.
 *
 * A stale socket at `path` is replaced, even if somebody listens on it; any other file there is refused. The socket
 * appears at `path` only when it listens.
 *
 * @throws OSError if `path` cannot be bound, such as FileNotFoundError for a missing directory
 * @throws TypeError or RangeError for wrong arguments, before anything is opened
 */
export async function startUnixServer(
  clientConnectedCb: ClientConnectedCallback | null,
  path?: PathLike | null,
  options?: StartUnixServerOptions,
): Promise<Server>;
export async function startUnixServer(
  clientConnectedCb: ClientConnectedCallback | null,
  options: StartUnixServerOptions,
): Promise<Server>;
export async function startUnixServer(
  clientConnectedCb: ClientConnectedCallback | null,
  second?: PathLike | null | StartUnixServerOptions,
  options?: StartUnixServerOptions,
): Promise<Server> {
  const isShort = isOptionsObject(second) && options === undefined;
  return isShort
    ? serveUnix(clientConnectedCb, undefined, second as StartUnixServerOptions)
    : serveUnix(clientConnectedCb, second as PathLike, options);
}

async function serveUnix(
  clientConnectedCb: ClientConnectedCallback | null,
  path: PathLike | null | undefined,
  options: StartUnixServerOptions | undefined,
): Promise<Server> {
  const given = checkOptions<StartUnixServerOptions>("startUnixServer()", options, UNIX_OPTIONS);
  const backend = given.network === undefined ? nodeBackend : Network.backendOf(given.network);
  const settings = checkServeOptions(backend, clientConnectedCb, given);
  const { cleanupSocket = true } = given;
  checkBoolean("cleanupSocket", cleanupSocket);
  const listen = { backlog: settings.backlog, reusePort: false, keepAlive: false, cleanupSocket };
  refuseIfMissing(backend, "unix");
  if (given.sock !== undefined) {
    if (isGiven(path)) throw new TypeError("path and sock can not be specified at the same time");
    return serveStreams([await backend.adoptListener(given.sock, "unix", listen)], settings);
  }
  if (!isGiven(path)) throw new TypeError("path was not specified, and no sock specified");
  return serveStreams([await backend.listen({ kind: "unix", path: toUnixPath(path) }, listen)], settings);
}

function checkServeOptions(
  { clock }: Backend,
  callback: ClientConnectedCallback | null,
  options: ServeOptions,
): ServeSettings {
  if (callback !== null) checkFunction("clientConnectedCb", callback);
  const {
    limit = DEFAULT_LIMIT,
    backlog = DEFAULT_BACKLOG,
    startServing = true,
    maxConnections,
    whenFull = "wait",
    autoClose = true,
    liveness,
    onError,
  } = options;
  checkLimit(limit);
  const tls = serverTls(options);
  checkBoolean("autoClose", autoClose);
  if (onError !== undefined) checkFunction("onError", onError);
  return {
    callback,
    handling: { limit, tls, autoClose, onError, clock, liveness: checkLiveness(liveness, clock) },
    backlog: checkInteger("backlog", backlog, 0, 2 ** 31 - 1),
    startServing: checkBoolean("startServing", startServing),
    maxConnections:
      maxConnections === undefined ? undefined : checkInteger("maxConnections", maxConnections, 1),
    whenFull: checkOneOf("whenFull", whenFull, ["wait", "refuse"]),
  };
}

/** `undefined` is every address. */
function checkHosts(host: unknown): (string | undefined)[] {
  if (!isGiven(host)) return [undefined];
  const hosts: unknown[] = Array.isArray(host) ? host : [host];
  return hosts.map((name) => {
    if (typeof name !== "string")
      throw new TypeError(`host must be a string or a list of them, not ${kindOf(name)}`);
    return name === "" ? undefined : checkNoNul("host", name);
  });
}

function refuseIfMissing(backend: Backend, feature: "unix" | "reusePort" | "noReuseAddress"): void {
  const reason = backend.whyNot(feature);
  if (reason !== undefined) throw new NotImplementedError(reason);
}

/** Addresses that this machine does not have are left out, as long as one is left; any other failure frees them all. */
async function bindAll(
  backend: Backend,
  endpoints: readonly TcpEndpoint[],
  options: ListenOptions,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  let missing: OSError | undefined;
  for (const endpoint of endpoints) {
    try {
      await bindBeside(listeners, backend, endpoint, options);
    } catch (error) {
      const isMissing = error instanceof OSError && /^(EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(error.code ?? "");
      if (!isMissing) {
        for (const listener of listeners) listener.close();
        throw error;
      }
      missing = error;
    }
  }
  if (listeners.length > 0) return listeners;
  const list = endpoints.map(showEndpoint).join(", ");
  const { code = "EADDRNOTAVAIL", errno, syscall } = missing ?? {};
  throw new OSError(`could not bind on any address out of [${list}]`, {
    code,
    errno,
    syscall,
    cause: missing,
  });
}

/** Where a socket for any address of IPv6 takes IPv4 too, it takes the place of the one for that. */
async function bindBeside(
  listeners: Listener[],
  backend: Backend,
  endpoint: TcpEndpoint,
  options: ListenOptions,
): Promise<void> {
  try {
    listeners.push(await backend.listen(endpoint, options));
  } catch (error) {
    const { address, port } = endpoint;
    const isTaken = error instanceof OSError && error.code === "EADDRINUSE" && address === "::";
    if (!isTaken || backend.whyNot("ipv6Only") === undefined) throw error;
    const forIpv4 = showEndpoint({ ...endpoint, address: "0.0.0.0", port, family: 4 });
    const index = listeners.findIndex((listener) => showEndpoint(listener.endpoint) === forIpv4);
    if (index < 0) throw error;
    listeners[index]!.close();
    listeners[index] = await backend.listen(endpoint, options);
  }
}

function distinct(endpoints: readonly TcpEndpoint[]): TcpEndpoint[] {
  return [...new Map(endpoints.map((endpoint) => [showEndpoint(endpoint), endpoint])).values()];
}
