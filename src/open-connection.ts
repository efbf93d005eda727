/** Connecting: checks the arguments, lets the backend connect, and puts streams on top. */
import { nodeBackend } from "./backends/node/backend.js";
import {
  checkBoolean,
  checkDelay,
  checkInteger,
  checkLimit,
  checkNoNul,
  checkOptions,
  checkPort,
  isGiven,
  isOptionsObject,
} from "./checks.js";
import { kindOf } from "./describe.js";
import { connectTcp, type TcpTarget } from "./connect/connect-tcp.js";
import { checkFamily, checkFlags, checkLookup, type LookupFunction } from "./connect/resolve-host.js";
import { toUnixPath, type PathLike } from "./connect/unix-path.js";
import { NotImplementedError } from "./errors.js";
import { createConnection, type Connection } from "./streams/connection.js";
import { DEFAULT_LIMIT } from "./streams/receive-buffer.js";
import { CLIENT_TLS_OPTIONS, clientTls, type ClientTlsOptions } from "./tls-options.js";
import type { Backend } from "./transport/backend.js";
import { checkLiveness, type Liveness, type LivenessOptions } from "./transport/liveness.js";
import { Network } from "./transport/network.js";
import { NO_BYTES, type TlsSettings } from "./transport/tls.js";
import type { StartableTransport } from "./transport/transport.js";
import { Bounds, type WaitOptions } from "./waiting/bounds.js";
import { CancelScope } from "./waiting/cancel-scope.js";
import type { Clock } from "./waiting/clock.js";
import type { Socket } from "node:net";

/** What `openConnection` and `openUnixConnection` have in common. */
export interface ConnectOptions extends WaitOptions, ClientTlsOptions {
  /** The reader's limit, in bytes. Default 65 536. */
  readonly limit?: number | undefined;
  /** A connected socket to take over, instead of an address. It is closed with the stream. */
  readonly sock?: Socket | undefined;
  /** When to give up the connection because the peer is silent or has stopped reading. Default: never. */
  readonly liveness?: LivenessOptions | undefined;
  /** Aborted, it ends the attempt; nothing is left open. The rejection is its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long name resolution, connecting and the TLS handshake may take together, in ms. Default: no limit. */
  readonly timeout?: number | undefined;
  /** Connects there, instead of by the runtime's sockets; as `memoryNetwork()` of "asyncio-streams/testing" makes one. */
  readonly network?: Network | undefined;
}

/** What `openConnection()` takes besides host and port. */
export interface OpenConnectionOptions extends ConnectOptions {
  /** 4 or 6 for addresses of one kind only. Default 0, both. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** 0 or 6, which both are TCP. */
  readonly proto?: 0 | 6 | undefined;
  /** Hints of `node:dns` for the resolver (ADDRCONFIG, V4MAPPED, ALL), or-ed. */
  readonly flags?: number | undefined;
  /** Where to connect from. */
  readonly localAddr?: readonly [host: string, port: number] | undefined;
  /**
   * After so many ms without success the next address is tried beside the one before (RFC 8305; 250 is a good value).
   * Default: the next one only when the one before has failed.
   */
  readonly happyEyeballsDelay?: number | undefined;
  /** Addresses of the first family to try before the families take turns. Default 1 with `happyEyeballsDelay`, else 0: no reordering. */
  readonly interleave?: number | undefined;
  /** Reject with an AggregateError of all attempts, even if there was one. */
  readonly allErrors?: boolean | undefined;
  /** Replaces the system's resolver. */
  readonly lookup?: LookupFunction | undefined;
}

/** What `openUnixConnection()` takes besides the path. */
export interface OpenUnixConnectionOptions extends ConnectOptions {}

const CONNECT_OPTIONS = [
  "limit",
  "sock",
  "liveness",
  "signal",
  "timeout",
  "network",
  ...CLIENT_TLS_OPTIONS,
] as const;
const TCP_OPTIONS = [
  ...CONNECT_OPTIONS,
  "family",
  "proto",
  "flags",
  "localAddr",
  "happyEyeballsDelay",
  "interleave",
  "allErrors",
  "lookup",
] as const;

/**
 * Connects over TCP. As `asyncio.open_connection`.
 *
 * No `host` is the loopback. Addresses are tried in order, or with `happyEyeballsDelay` in a race.
 *
 * ```ts
 * const [reader, writer] = await openConnection("127.0.0.1", 8888);
 * ```
 *
 * @throws NameResolutionError if the host has no address
 * @throws OSError, such as ConnectionRefusedError, if all addresses failed alike; its `attempts` tell of each.
 *   If they failed differently, an AggregateError with the same field
 * @throws TimeoutError after `timeout`; the reason of `signal`
 * @throws TypeError or RangeError for wrong arguments, before anything is opened
 */
export async function openConnection(
  host?: string | null,
  port?: number | string | null,
  options?: OpenConnectionOptions,
): Promise<Connection>;
export async function openConnection(options: OpenConnectionOptions): Promise<Connection>;
export async function openConnection(
  first?: string | null | OpenConnectionOptions,
  port?: number | string | null,
  options?: OpenConnectionOptions,
): Promise<Connection> {
  const isShort = typeof first === "object" && first !== null && port === undefined && options === undefined;
  return isShort ? openTcp(undefined, undefined, first) : openTcp(first as string, port, options);
}

async function openTcp(
  host: string | null | undefined,
  port: number | string | null | undefined,
  options: OpenConnectionOptions | undefined,
): Promise<Connection> {
  const given = checkOptions<OpenConnectionOptions>("openConnection()", options, TCP_OPTIONS);
  const backend = given.network === undefined ? nodeBackend : Network.backendOf(given.network);
  const common = checkConnectOptions(
    "openConnection",
    backend,
    given,
    checkHost("host", host),
    "You must set serverHostname when using ssl without a host",
  );
  const target = checkTarget(host, port, given, backend);
  const hasAddress = isGiven(host) || isGiven(port);
  if (given.sock !== undefined) {
    if (hasAddress) throw new TypeError("host/port and sock can not be specified at the same time");
    return connected(common, async () => backend.adopt(given.sock, "any"));
  }
  if (!hasAddress) throw new TypeError("host and port was not specified and no sock specified");
  return connected(common, (signal) => connectTcp(backend, target, signal));
}

/**
 * Connects to a Unix socket. As `asyncio.open_unix_connection`. Not on Windows.
 *
 * @throws FileNotFoundError if nothing lies at `path`, ConnectionRefusedError if nobody listens there
 * @throws TimeoutError after `timeout`; the reason of `signal`
 * @throws TypeError or RangeError for wrong arguments, before anything is opened
 */
export async function openUnixConnection(
  path?: PathLike | null,
  options?: OpenUnixConnectionOptions,
): Promise<Connection>;
export async function openUnixConnection(options: OpenUnixConnectionOptions): Promise<Connection>;
export async function openUnixConnection(
  first?: PathLike | null | OpenUnixConnectionOptions,
  options?: OpenUnixConnectionOptions,
): Promise<Connection> {
  const isShort = isOptionsObject(first) && options === undefined;
  return isShort
    ? openUnix(undefined, first as OpenUnixConnectionOptions)
    : openUnix(first as PathLike, options);
}

async function openUnix(
  path: PathLike | null | undefined,
  options: OpenUnixConnectionOptions | undefined,
): Promise<Connection> {
  const given = checkOptions<OpenUnixConnectionOptions>("openUnixConnection()", options, CONNECT_OPTIONS);
  const backend = given.network === undefined ? nodeBackend : Network.backendOf(given.network);
  const common = checkConnectOptions(
    "openUnixConnection",
    backend,
    given,
    undefined,
    "you have to pass serverHostname when using ssl",
  );
  const refusal = backend.whyNot("unix");
  if (refusal !== undefined) throw new NotImplementedError(refusal);
  if (given.sock !== undefined) {
    if (isGiven(path)) throw new TypeError("path and sock can not be specified at the same time");
    return connected(common, async () => backend.adopt(given.sock, "unix"));
  }
  if (!isGiven(path)) throw new TypeError("no path and sock were specified");
  const endpoint = { kind: "unix", path: toUnixPath(path) } as const;
  return connected(common, (signal) => backend.connect(endpoint, { signal }));
}

async function connected(
  { limit, tls, host, bounds, clock, liveness }: CommonSettings,
  connect: (signal: AbortSignal) => Promise<StartableTransport>,
): Promise<Connection> {
  bounds.throwIfAborted();
  const scope = new CancelScope(bounds);
  try {
    const transport = await connect(scope.signal);
    const secured = tls === undefined ? transport : await transport.upgradeTls(tls, NO_BYTES, scope.signal);
    return createConnection(secured, { limit, side: "client", host, clock, liveness });
  } finally {
    scope.dispose();
  }
}

interface CommonSettings {
  readonly bounds: Bounds;
  readonly clock: Clock;
  readonly limit: number;
  readonly liveness: Liveness | undefined;
  readonly tls: TlsSettings | undefined;
  /** The name that TLS, now or by `startTls()`, asks of the peer's certificate unless told otherwise. */
  readonly host: string | undefined;
}

function checkConnectOptions(
  method: string,
  { clock }: Backend,
  options: ConnectOptions,
  host: string | undefined,
  whenNameMissing: string,
): CommonSettings {
  const { limit = DEFAULT_LIMIT } = options;
  checkLimit(limit);
  const bounds = new Bounds(method, options, clock);
  const liveness = checkLiveness(options.liveness, clock);
  return { bounds, clock, limit, host, liveness, tls: clientTls(options, host, whenNameMissing) };
}

function checkTarget(
  host: unknown,
  port: unknown,
  options: OpenConnectionOptions,
  backend: Backend,
): TcpTarget {
  const {
    family = 0,
    proto = 0,
    flags = 0,
    localAddr,
    happyEyeballsDelay,
    interleave = happyEyeballsDelay === undefined ? 0 : 1,
    allErrors = false,
    lookup,
  } = options;
  checkProto(proto);
  if (happyEyeballsDelay !== undefined) checkDelay("happyEyeballsDelay", happyEyeballsDelay);
  return {
    host: checkHost("host", host),
    port: isGiven(port) && port !== "" ? checkPort("port", port) : 0,
    family: checkFamily(family),
    flags: checkFlags(flags, backend),
    localAddr: localAddr === undefined ? undefined : checkLocalAddress(localAddr),
    happyEyeballsDelay,
    interleave: checkInteger("interleave", interleave, 0),
    allErrors: checkBoolean("allErrors", allErrors),
    lookup: checkLookup(lookup),
  };
}

/** @throws RangeError for anything but TCP */
function checkProto(proto: unknown): void {
  if (proto === 0 || proto === 6) return;
  if (typeof proto !== "number") throw new TypeError(`proto must be a number, not ${kindOf(proto)}`);
  throw new RangeError(`proto must be 0 or 6, got ${proto}`);
}

function checkHost(name: string, host: unknown): string | undefined {
  if (!isGiven(host)) return undefined;
  if (typeof host !== "string") throw new TypeError(`${name} must be a string, not ${kindOf(host)}`);
  if (host === "") throw new RangeError(`${name} must not be empty`);
  return checkNoNul(name, host);
}

function checkLocalAddress(value: unknown): readonly [host: string, port: number] {
  if (!Array.isArray(value) || value.length !== 2) {
    const given = Array.isArray(value) ? `${value.length} values` : kindOf(value);
    throw new TypeError(`localAddr must be [host, port], not ${given}`);
  }
  const host = checkHost("localAddr host", value[0]);
  if (host === undefined) throw new TypeError(`localAddr must have a host, not ${value[0]}`);
  return [host, checkPort("localAddr port", value[1])];
}
