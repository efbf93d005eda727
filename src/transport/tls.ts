/** What a TLS layer is made with, as plain data, and the rules for it. */
import { checkNoNul, checkTimeout } from "../checks.js";
import { kindOf } from "../describe.js";
import type { ConnectionOptions, SecureContext, TLSSocketOptions } from "node:tls";

/** How an end of the connection without the peer's close_notify is taken. */
export type Truncation = "ignore" | "report" | "error";

/**
 * Options of `node:tls` for one side of a connection: `cert`, `key`, `ca`, `ALPNProtocols`, `SNICallback`,
 * `requestCert`, `rejectUnauthorized`, `minVersion`, … A context that was made before goes in as `secureContext`;
 * for sessions of clients with certificates to be resumed it needs a `sessionIdContext`.
 */
export type TlsOptions = Omit<
  ConnectionOptions & TLSSocketOptions,
  | "socket"
  | "host"
  | "port"
  | "path"
  | "lookup"
  | "timeout"
  | "isServer"
  | "server"
  | "pipe"
  | "onread"
  | "signal"
>;

/** What goes with TLS on both sides. */
export interface TlsLayerOptions {
  /** How long the handshake may take, in ms. Default 60 000. */
  readonly sslHandshakeTimeout?: number | undefined;
  /** How long `close()` waits for what was written to be sent and for the peer's close_notify, in ms. Default 30 000. */
  readonly sslShutdownTimeout?: number | undefined;
  /**
   * An end of the connection without the peer's close_notify: `"ignore"` takes it for the end of the stream, as asyncio;
   * `"report"` too, and `getExtraInfo("closeNotifyReceived")` tells; with `"error"` reads reject with TlsTruncationError
   * once what came was read. The latter two run TLS through a stream in
   * JavaScript: 1.3 times the CPU for bulk data, 1.4 times for small round trips.
   */
  readonly truncation?: Truncation | undefined;
}

/** Everything that a backend has to know to put TLS on a connection. */
export interface TlsSettings {
  readonly side: "client" | "server";
  readonly options: TlsOptions;
  /** Made once, and shared by all connections with these options. */
  readonly secureContext: SecureContext | undefined;
  /** The name that the peer's certificate must have, a host name or an address; `""` for none. Clients only. */
  readonly serverHostname: string;
  /** In ms. */
  readonly handshakeTimeout: number;
  /** In ms. */
  readonly shutdownTimeout: number;
  readonly truncation: Truncation;
}

/** … with the context that they were missing. */
export interface PreparedTls extends TlsSettings {
  readonly secureContext: SecureContext;
}

/** What is handed to the engine first where nothing came before TLS. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

const TRUNCATIONS: readonly unknown[] = ["ignore", "report", "error"];

/** @throws TypeError if `context` is no object of options; TypeError or RangeError for the rest */
export function checkTlsSettings(
  name: string,
  context: unknown,
  side: TlsSettings["side"],
  serverHostname: string,
  options: TlsLayerOptions,
): TlsSettings {
  const { sslHandshakeTimeout = 60_000, sslShutdownTimeout = 30_000, truncation = "ignore" } = options;
  checkTimeout("sslHandshakeTimeout", sslHandshakeTimeout);
  checkTimeout("sslShutdownTimeout", sslShutdownTimeout);
  if (!TRUNCATIONS.includes(truncation)) {
    if (typeof truncation !== "string")
      throw new TypeError(`truncation must be a string, not ${kindOf(truncation)}`);
    throw new RangeError(`truncation must be "ignore", "report" or "error", got ${kindOf(truncation)}`);
  }
  return {
    side,
    options: checkTlsOptions(name, context, side),
    secureContext: undefined,
    serverHostname,
    handshakeTimeout: sslHandshakeTimeout,
    shutdownTimeout: sslShutdownTimeout,
    truncation,
  };
}

/** @throws TypeError if it is no string; RangeError for a name that begins with a dot, which could stand for many hosts */
export function checkServerHostname(name: unknown): string {
  if (typeof name !== "string") throw new TypeError(`serverHostname must be a string, not ${kindOf(name)}`);
  if (name.startsWith(".")) {
    throw new RangeError(`serverHostname must not begin with a dot, got ${kindOf(name)}`);
  }
  return checkNoNul("serverHostname", name);
}

/** One of these is how a server shows who it is. */
const SERVER_IDENTITIES = ["cert", "pfx", "secureContext", "SNICallback", "pskCallback"];

function checkTlsOptions(name: string, context: unknown, side: TlsSettings["side"]): TlsOptions {
  if (context === true && side === "client") return {};
  const isPlain = Object.prototype.toString.call(context) === "[object Object]";
  if (typeof context !== "object" || context === null || !isPlain) {
    throw new TypeError(`${name} must be TLS options, not ${kindOf(context)}`);
  }
  if (context.constructor?.name === "SecureContext") {
    throw new TypeError(`${name} must be TLS options: give a SecureContext as { secureContext }`);
  }
  if (side === "server" && !SERVER_IDENTITIES.some((key) => key in context)) {
    throw new TypeError(`${name} of a server must have one of ${SERVER_IDENTITIES.join(", ")}`);
  }
  return context;
}
