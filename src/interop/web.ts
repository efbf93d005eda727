/** Web Streams and connections, each made of the other. */
import { ChannelTransport } from "../backends/channel-transport.js";
import { checkLimit, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { InvalidStateError } from "../errors.js";
import { createConnection, type Connection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import type { StreamReader, StreamReaderOptions } from "../streams/stream-reader.js";
import type { StreamWriter } from "../streams/stream-writer.js";
import { toChunk, WebChannel } from "./web-channel.js";

/** The two halves of a connection as Web Streams. */
export interface WebStreams {
  /** A byte stream: it serves readers that bring a buffer ("byob") too. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
}

/**
 * Web Streams over a connection; from then on read and write through them alone. Closing `writable` ends our direction
 * behind what was written, or over TLS, which ends as a whole, the connection once the other direction has ended too.
 * Aborting it aborts the connection. After `readable` was cancelled what comes is dropped. When both have ended the
 * connection is closed; when it is lost, both get the error, `readable` behind what was received.
 */
export function toWeb(connection: Connection): WebStreams {
  const { reader, writer } = Object(connection) as Partial<Connection>;
  if (reader === undefined || writer === undefined) {
    throw new TypeError(`toWeb() takes a connection, not ${kindOf(connection)}`);
  }
  const open = new Set(["reading", "writing"]);
  const ended = (direction: "reading" | "writing") => {
    open.delete(direction);
    if (open.size === 0) writer.close();
  };
  return {
    readable: toReadable(reader, () => ended("reading")),
    writable: toWritable(writer, () => ended("writing")),
  };
}

/**
 * A connection over a pair of Web Streams, which are the connection's from then on. Errors of either are the loss of the
 * connection; `close()` closes the writable one behind what was written, and cancels the other; back-pressure holds both
 * ways.
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
  if (!(readable instanceof ReadableStream)) {
    throw new TypeError(`readable must be a ReadableStream, not ${kindOf(readable)}`);
  }
  if (!(writable instanceof WritableStream)) {
    throw new TypeError(`writable must be a WritableStream, not ${kindOf(writable)}`);
  }
  if (readable.locked || writable.locked)
    throw new InvalidStateError("The streams are locked by another reader or writer");
  return createConnection(new ChannelTransport(new WebChannel(readable, writable)), {
    limit,
    side: "client",
  });
}

/** Gives each chunk as it came; a copy, as a byte stream takes the memory of what it is given. */
function toReadable(reader: StreamReader, ended: () => void): WebStreams["readable"] {
  const cancelled = new AbortController();
  const { signal } = cancelled;
  const chunks = reader.chunks({ signal });
  return new ReadableStream(
    {
      type: "bytes",
      async pull(controller) {
        const request = controller.byobRequest;
        if (request !== null) {
          const size = await reader.readInto(request.view as Uint8Array, { signal });
          if (size === 0) {
            controller.close();
            ended();
          }
          request.respond(size);
          return;
        }
        const { value } = await chunks.next();
        if (value !== undefined) {
          controller.enqueue(new Uint8Array(value));
          return;
        }
        controller.close();
        ended();
      },
      cancel() {
        ended();
        cancelled.abort();
        void dropRest(reader.chunks());
      },
    },
    { highWaterMark: 0 },
  );
}

function toWritable(writer: StreamWriter, ended: () => void): WebStreams["writable"] {
  return new WritableStream({
    start(controller) {
      writer.waitClosed().catch((error: unknown) => controller.error(error));
    },
    async write(chunk) {
      writer.write(toChunk(chunk));
      await writer.drain();
    },
    close() {
      if (writer.canWriteEof()) writer.writeEof();
      ended();
    },
    abort() {
      writer.transport.abort();
    },
  });
}

/** Nobody wants it any more, but the peer must be able to go on. */
async function dropRest(chunks: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _chunk of chunks) continue;
  } catch {
    // The connection is lost, which the writing side tells.
  }
}
