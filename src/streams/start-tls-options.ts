/** What `startTls()` is told, and the rules for it. */
import { checkBoolean, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import {
  checkServerHostname,
  checkTlsSettings,
  type TlsLayerOptions,
  type TlsSettings,
} from "../transport/tls.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import type { Clock } from "../waiting/clock.js";

/** What `startTls()` takes besides the context. */
export interface StartTlsOptions extends TlsLayerOptions, WaitOptions {
  /** Aborted while what was written before is sent, it leaves the connection as it is; later it closes it. */
  readonly signal?: AbortSignal | undefined;
  /** How long all of it may take, in ms: sending what was written before, and the handshake. Default: no limit. */
  readonly timeout?: number | undefined;
  /**
   * The name, or address, that the peer's certificate must have. Default: `servername` of the context, or the host that `openConnection()` was given; if
   * there was none, it has to be given. `""` accepts a certificate of any host. Clients only.
   */
  readonly serverHostname?: string | undefined;
  /** Which side of TLS to take. Default: a server's on the streams of a server, else a client's. */
  readonly serverSide?: boolean | undefined;
  /** Bytes that were received before: `"feed"` gives them to the TLS engine; with `"reject"` they fail the upgrade. Default `"feed"`. */
  readonly buffered?: "feed" | "reject" | undefined;
}

/** What a connection knows for its upgrade. */
export interface TlsDefaults {
  readonly side: "client" | "server";
  readonly host?: string | undefined;
}

const OPTIONS = [
  "serverHostname",
  "serverSide",
  "buffered",
  "sslHandshakeTimeout",
  "sslShutdownTimeout",
  "truncation",
  "signal",
  "timeout",
] as const;

export interface CheckedStartTls {
  readonly buffered: "feed" | "reject";
  readonly settings: TlsSettings;
  readonly bounds: Bounds;
}

export function checkStartTls(
  context: unknown,
  options: StartTlsOptions | undefined,
  defaults: TlsDefaults,
  clock: Clock,
): CheckedStartTls {
  const given = checkOptions<StartTlsOptions>("startTls()", options, OPTIONS);
  const { buffered = "feed", serverSide = defaults.side === "server" } = given;
  if (typeof buffered !== "string") throw new TypeError(`buffered must be a string, not ${kindOf(buffered)}`);
  if (buffered !== "feed" && buffered !== "reject") {
    throw new RangeError(`buffered must be "feed" or "reject", got ${kindOf(buffered)}`);
  }
  const side = checkBoolean("serverSide", serverSide) ? "server" : "client";
  const name = nameOf(given, context, defaults);
  if (side === "client" && name === undefined) {
    throw new TypeError("You must set serverHostname, as this connection was made without a host");
  }
  const settings = checkTlsSettings("context", context, side, name ?? "", given);
  return { buffered, settings, bounds: new Bounds("startTls", given, clock) };
}

function nameOf(
  { serverHostname }: StartTlsOptions,
  context: unknown,
  { host }: TlsDefaults,
): string | undefined {
  const { servername } = Object(context) as { servername?: unknown };
  const name = serverHostname ?? servername ?? host;
  return name === undefined ? undefined : checkServerHostname(name);
}
