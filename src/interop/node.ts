/** Streams of node:stream and connections, each made of the other. */
import type { ChildProcess } from "node:child_process";
import { Duplex, type Readable, type Writable } from "node:stream";
import { ChannelTransport } from "../backends/channel-transport.js";
import { checkLimit, checkOptions, isGiven } from "../checks.js";
import { kindOf } from "../describe.js";
import { InvalidStateError } from "../errors.js";
import { createConnection, type Connection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import type { StreamReader, StreamReaderOptions } from "../streams/stream-reader.js";
import type { StreamWriter } from "../streams/stream-writer.js";
import { checkConnection, type ConnectionHalves } from "./connection-halves.js";
import { ConnectionDuplex } from "./connection-duplex.js";
import { StreamChannel, type StreamDirections } from "./stream-channel.js";

export type { ConnectionHalves };

/**
 * A connection over a Duplex, which is the connection's from then on. Chunks may be bytes in any form, or strings; others
 * are an error. `writeEof()` ends it behind what was written, and its other direction stays open, whatever its
 * `allowHalfOpen`; `close()` ends it too, and then destroys it; `transport.abort()` destroys it. An error of it is the loss
 * of the connection, behind what it had brought; so it is when somebody else destroys or ends it. Back-pressure holds both
 * ways.
 *
 * @throws TypeError if it is no Duplex; InvalidStateError if it has an encoding set, so that bytes are lost, or was ended
 */
export function fromDuplex(duplex: Duplex, options?: StreamReaderOptions): Connection {
  checkReadable("fromDuplex", duplex);
  checkWritable("fromDuplex", duplex);
  return connectionOver("fromDuplex", { readable: duplex, writable: duplex }, options);
}

/**
 * A reader of a Readable, or of the one direction of a Duplex. Chunks may be bytes in any form, or strings; others are an
 * error. Destroyed before its end, or with an error, it is a lost connection. Who has had enough destroys it.
 *
 * @throws TypeError if it is no Readable; InvalidStateError if it has an encoding set, so that bytes are lost
 */
export function fromReadable(readable: Readable, options?: StreamReaderOptions): StreamReader {
  checkReadable("fromReadable", readable);
  return connectionOver("fromReadable", { readable }, options).reader;
}

/**
 * A writer to a Writable, or to the one direction of a Duplex. `close()` and `writeEof()` end it behind what was written,
 * and `waitClosed()` waits until it has taken all; `transport.abort()` destroys it.
 *
 * @throws TypeError if it is no Writable; InvalidStateError if it was ended
 */
export function fromWritable(writable: Writable): StreamWriter {
  checkWritable("fromWritable", writable);
  return connectionOver("fromWritable", { writable }).writer;
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
    stdin: isGiven(stdin) ? fromWritable(stdin) : undefined,
    stdout: isGiven(stdout) ? fromReadable(stdout, options) : undefined,
    stderr: isGiven(stderr) ? fromReadable(stderr, options) : undefined,
  };
}

/**
 * A Duplex over a connection, for what takes streams of node:stream. From then on read and write through it alone. A write
 * has succeeded when the kernel has it.
 *
 * Ending it ends our direction, or over TLS, which ends as a whole, the connection once the other direction has ended too;
 * destroying it before that aborts the connection. A lost connection destroys it with the error, behind what was received;
 * as with every stream of node:stream, nobody listening for `"error"` then ends the process.
 *
 * @throws TypeError if it is no connection
 */
export function toDuplex(connection: ConnectionHalves): Duplex {
  const { reader, writer } = checkConnection("toDuplex", connection);
  return new ConnectionDuplex(reader, writer);
}

function connectionOver(
  method: string,
  directions: StreamDirections,
  options?: StreamReaderOptions,
): Connection {
  const { limit = DEFAULT_LIMIT } = checkOptions<StreamReaderOptions>(`${method}()`, options, ["limit"]);
  checkLimit(limit);
  return createConnection(new ChannelTransport(new StreamChannel(directions)), { limit, side: "client" });
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
  const { write, end, cork, writableEnded } = Object(stream) as Partial<Writable>;
  if (typeof write !== "function" || typeof end !== "function" || typeof cork !== "function") {
    throw new TypeError(
      `${method}() takes a stream of node:stream that can be written, not ${kindOf(stream)}`,
    );
  }
  if (writableEnded === true)
    throw new InvalidStateError("the stream was ended: nothing can be written to it");
}
