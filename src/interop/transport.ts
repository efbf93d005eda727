/** What an author of a transport needs: the two seams, and what puts streams on them. */
import { ChannelTransport } from "../backends/channel-transport.js";
import type { Channel } from "../backends/channel.js";
import { checkOneOf, checkLimit, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { createConnection, type Connection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import type { StartableTransport } from "../transport/transport.js";

export type { Channel, ChannelEvents } from "../backends/channel.js";
export type { Endpoint } from "../transport/endpoint.js";
export type { Protocol } from "../transport/protocol.js";
export type { Liveness } from "../transport/liveness.js";
export type { PreparedTls, TlsSettings } from "../transport/tls.js";
export type {
  BytesLike,
  StartableTransport,
  Transport,
  TransportSocket,
  WriteBufferLimits,
} from "../transport/transport.js";

/** What `connectionOver()` takes besides the transport. */
export interface ConnectionOverOptions {
  /** The reader's limit, in bytes. Default 65 536. */
  readonly limit?: number | undefined;
  /** Which side of TLS `startTls()` takes. Default `"client"`. */
  readonly side?: "client" | "server" | undefined;
  /** The name that `startTls()` asks of the peer's certificate, unless told otherwise. */
  readonly host?: string | undefined;
}

/**
 * The transport over a channel. A channel moves bytes and decides nothing; all rules on states, limits and flow control
 * are the transport's, the same as for sockets. The easiest way to a transport of one's own.
 *
 * @throws TypeError if it is no channel
 */
export function transportOver(channel: Channel): StartableTransport {
  if (typeof Object(channel).start === "function" && typeof Object(channel).destroy === "function") {
    return new ChannelTransport(channel);
  }
  throw new TypeError(`transportOver() takes a Channel, not ${kindOf(channel)}`);
}

/**
 * Puts streams on a transport that is connected and not started, and starts it. Whoever has a transport of their own
 * should hold it to `checkTransport()` of `asyncio-streams/testing`.
 *
 * @throws TypeError or RangeError for wrong arguments
 */
export function connectionOver(transport: StartableTransport, options?: ConnectionOverOptions): Connection {
  const given = checkOptions<ConnectionOverOptions>("connectionOver()", options, ["limit", "side", "host"]);
  const { limit = DEFAULT_LIMIT, side = "client", host } = given;
  if (typeof Object(transport).start !== "function" || typeof Object(transport).write !== "function") {
    throw new TypeError(`connectionOver() takes a transport, not ${kindOf(transport)}`);
  }
  checkOneOf("side", side, ["client", "server"]);
  return createConnection(transport, { limit: checkLimit(limit), side, host });
}
