/** Streams of node:stream and connections, each made of the other. */
import type { ChildProcess } from "node:child_process";
import { Duplex, type Readable, type Writable } from "node:stream";
import { ChannelTransport } from "../backends/channel-transport.js";
import { checkLimit, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { InvalidStateError } from "../errors.js";
import { createConnection, type Connection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import type { StreamReader, StreamReaderOptions } from "../streams/stream-reader.js";
import type { StreamWriter } from "../streams/stream-writer.js";
import { ConnectionDuplex } from "./connection-duplex.js";
import { StreamChannel } from "./stream-channel.js";

/**
 * A connection over a Duplex, which is the connection's from then on: it is destroyed with it. Errors of the stream are
 * the loss of the connection; `close()` and `writeEof()` end it behind what was written; back-pressure holds both ways.
 *
 * @throws TypeError if it is no Duplex; InvalidStateError if it has an encoding set, so that bytes are lost
 */
export function fromDuplex(duplex: Duplex, options?: StreamReaderOptions): Connection {
  checkReadable("fromDuplex", duplex);
  checkWritable("fromDuplex", duplex);
  return connectionOver("fromDuplex", duplex, duplex, options);
}

/**
 * A reader of a Readable, of bytes or strings; other objects are an error. Destroyed before its end, or with an error, it
 * is a lost connection.
 *
 * @throws TypeError if it is no Readable; InvalidStateError if it has an encoding set, so that bytes are lost
 */
export function fromReadable(readable: Readable, options?: StreamReaderOptions): StreamReader {
  checkReadable("fromReadable", readable);
  return connectionOver("fromReadable", readable, undefined, options).reader;
}

/** A writer to a Writable. `close()` and `writeEof()` end it. @throws TypeError if it is no Writable */
export function fromWritable(writable: Writable): StreamWriter {
  checkWritable("fromWritable", writable);
  return connectionOver("fromWritable", undefined, writable).writer;
}

/** The pipes of a child process; those that it was not given are `undefined`. */
export interface ChildStreams {
  readonly stdin: StreamWriter | undefined;
  readonly stdout: StreamReader | undefined;
  readonly stderr: StreamReader | undefined;
}

/**
 * Streams over the pipes of a child process, as `asyncio.create_subprocess_exec` has them. Read both outputs: a child
 * that fills a pipe nobody reads waits.
 *
 * ```ts
 * const { stdin, stdout } = fromChildProcess(spawn("sort"));
 * ```
 */
export function fromChildProcess(child: ChildProcess, options?: StreamReaderOptions): ChildStreams {
  const { stdin, stdout, stderr } = child;
  return {
    stdin: stdin === null ? undefined : fromWritable(stdin),
    stdout: stdout === null ? undefined : fromReadable(stdout, options),
    stderr: stderr === null ? undefined : fromReadable(stderr, options),
  };
}

/**
 * A Duplex over a connection, for what takes streams of node:stream. From then on read and write through it alone. Ending
 * it ends our direction, or over TLS, which ends as a whole, the connection once the other direction has ended too;
 * destroying it before that aborts the connection.
 */
export function toDuplex(connection: Connection): Duplex {
  return new ConnectionDuplex(connection);
}

function connectionOver(
  method: string,
  readable: Readable | undefined,
  writable: Writable | undefined,
  options?: StreamReaderOptions,
): Connection {
  const { limit = DEFAULT_LIMIT } = checkOptions<StreamReaderOptions>(`${method}()`, options, ["limit"]);
  const transport = new ChannelTransport(new StreamChannel(readable, writable));
  return createConnection(transport, { limit: checkLimit(limit), side: "client" });
}

function checkReadable(method: string, stream: unknown): void {
  const { read, pause, readableEncoding } = Object(stream) as Partial<Readable>;
  if (typeof read !== "function" || typeof pause !== "function") {
    throw new TypeError(`${method}() takes a stream of node:stream that can be read, not ${kindOf(stream)}`);
  }
  if (readableEncoding) {
    throw new InvalidStateError(`the stream has the encoding ${readableEncoding} set, so its bytes are lost`);
  }
}

function checkWritable(method: string, stream: unknown): void {
  const { write, end } = Object(stream) as Partial<Writable>;
  if (typeof write === "function" && typeof end === "function") return;
  throw new TypeError(`${method}() takes a stream of node:stream that can be written, not ${kindOf(stream)}`);
}
