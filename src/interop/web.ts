/** Web Streams and connections, each made of the other. */
import { ChannelTransport } from "../backends/channel-transport.js";
import { checkLimit, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { InvalidStateError } from "../errors.js";
import { createConnection, type Connection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import type { StreamReaderOptions } from "../streams/stream-reader.js";
import { checkConnection, type ConnectionHalves } from "./connection-halves.js";
import { ConnectionStreams, type WebStreams } from "./connection-streams.js";
import { WebChannel } from "./web-channel.js";

export type { ConnectionHalves, WebStreams };

/**
 * Web Streams over a connection; from then on read and write through them alone. Nothing is read before it is asked for,
 * and a write has succeeded when the kernel has it.
 *
 * Closing `writable` ends our direction behind what was written, or over TLS, which ends as a whole, the connection once
 * the other direction has ended too. Aborting it, or a chunk that is neither bytes nor a string, aborts the connection, and
 * `readable` gets the reason. After `readable` was cancelled what comes is dropped. When both have ended the connection is
 * closed; when it is lost, both get the error, `readable` behind what was received.
 *
 * ```ts
 * const { readable, writable } = toWeb(await openConnection("127.0.0.1", 8888));
 * await readable.pipeThrough(new DecompressionStream("gzip")).pipeTo(file);
 * ```
 *
 * @throws TypeError if it is no connection
 */
export function toWeb(connection: ConnectionHalves): WebStreams {
  const { reader, writer } = checkConnection("toWeb", connection);
  return new ConnectionStreams(reader, writer);
}

/**
 * A connection over a pair of Web Streams, which are the connection's from then on. Chunks may be bytes in any form, or
 * strings; others are an error. `writeEof()` closes `writable` behind what was written; `close()` too, and then cancels
 * `readable`; `transport.abort()` aborts the one and cancels the other. An error of `readable` is the loss of the
 * connection. An error of `writable` is it too, as soon as something is written: behind what `readable` still brings at
 * once. Back-pressure holds both ways.
 *
 * ```ts
 * const { reader, writer } = fromWeb(new CompressionStream("gzip"));
 * ```
 *
 * @throws TypeError if they are no streams; InvalidStateError if one is locked
 */
export function fromWeb(
  streams: { readonly readable: ReadableStream<unknown>; readonly writable: WritableStream<unknown> },
  options?: StreamReaderOptions,
): Connection {
  const { limit = DEFAULT_LIMIT } = checkOptions<StreamReaderOptions>("fromWeb()", options, ["limit"]);
  checkLimit(limit);
  const { readable, writable } = Object(streams) as Partial<typeof streams>;
  if (typeof readable?.getReader !== "function") {
    throw new TypeError(`readable must be a ReadableStream, not ${kindOf(readable)}`);
  }
  if (typeof writable?.getWriter !== "function") {
    throw new TypeError(`writable must be a WritableStream, not ${kindOf(writable)}`);
  }
  if (readable.locked || writable.locked) {
    throw new InvalidStateError("The streams are locked by another reader or writer");
  }
  const transport = new ChannelTransport(new WebChannel(readable, writable));
  return createConnection(transport, { limit, side: "client" });
}
