/** Two connections that are connected with each other, in memory. */
import { ChannelTransport } from "../backends/channel-transport.js";
import { MemoryChannel } from "./network/socket-channel.js";
import { checkBoolean, checkInteger, checkLimit, checkOptions } from "../checks.js";
import { createConnection, type Connection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import { StreamReader } from "../streams/stream-reader.js";
import type { Clock } from "../waiting/clock.js";
import { ReadAhead } from "./read-ahead.js";

/** What `streamPair()` takes. */
export interface StreamPairOptions {
  /** How many bytes that nobody has read may lie between the ends, in each direction. Default 65 536. */
  readonly capacity?: number | undefined;
  /** Lets no byte lie between the ends. Instead of `capacity`. */
  readonly lockstep?: boolean | undefined;
  /** The readers' limit, in bytes. Default 65 536. */
  readonly limit?: number | undefined;
  /** What time-outs of both ends go by. Default: the system's. */
  readonly clock?: Clock | undefined;
}

const DEFAULT_CAPACITY = 65_536;

const CLIENT = { kind: "tcp", address: "127.0.0.1", port: 50_001, family: 4 } as const;
const SERVER = { kind: "tcp", address: "127.0.0.1", port: 50_000, family: 4 } as const;

/**
 * Two ends of one connection, with no socket between them: of TLS and its like the first is the client, the second the
 * server. They behave as sockets do, but everything happens at once and in the same order in each run.
 *
 * `write()` never waits; `drain()` does, until at most `capacity` of the bytes written are unread. A byte is read when a
 * read of the other end has returned it (or `discard()` has dropped it): what a reader has buffered counts as unread, and
 * a peer that stops reading is felt at once. What does not fit stays with the writer: `abort()` drops it. A read that
 * waits for more than `capacity` bytes gets them, and what it has gathered counts as read.
 *
 * With `lockstep` nothing is handed over before somebody waits for it, and `drain()` waits until all that was written is
 * read: two ends that both write and drain first hang, as they can on a network on a bad day. `close()` then ends the
 * connection when the other end has read everything, or closes too. The end of a direction is no byte, and passes at once.
 *
 * After `startTls()` TLS buffers on its own, on top of this.
 *
 * @throws RangeError if `capacity` or `limit` is not a whole number above 0; TypeError for `capacity` with `lockstep`
 */
export function streamPair(options?: StreamPairOptions): [client: Connection, server: Connection] {
  return connectEnds("streamPair()", options).ends;
}

/** A pair, and the way to end it by an RST from the server, as which the client gets `error`. */
export function connectEnds(
  caller: string,
  options: StreamPairOptions | undefined,
): { ends: [client: Connection, server: Connection]; reset: (error: Error) => void } {
  const {
    capacity,
    lockstep = false,
    limit = DEFAULT_LIMIT,
    clock,
  } = checkOptions<StreamPairOptions>(caller, options, ["capacity", "lockstep", "limit", "clock"]);
  const window = checkWindow(capacity, checkBoolean("lockstep", lockstep));
  const connectionOptions = { limit: checkLimit(limit), clock };

  const windows = [new ReadAhead(window), new ReadAhead(window)] as const;
  const channels = MemoryChannel.pair(CLIENT, SERVER, { windows });
  const end = (index: 0 | 1, side: "client" | "server"): Connection => {
    const connection = createConnection(new ChannelTransport(channels[index]), {
      ...connectionOptions,
      side,
    });
    connection.writer.transport.setWriteBufferLimits({ high: 0 });
    windows[index].watch(StreamReader.bufferOf(connection.reader), () => channels[index].windowChanged());
    return connection;
  };
  return {
    ends: [end(0, "client"), end(1, "server")],
    reset: (error) => channels[1].reset(error),
  };
}

function checkWindow(capacity: unknown, lockstep: boolean): number {
  if (capacity === undefined) return lockstep ? 0 : DEFAULT_CAPACITY;
  if (lockstep) throw new TypeError("streamPair() takes either capacity or lockstep");
  return checkInteger("capacity", capacity, 1);
}
