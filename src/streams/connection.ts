/** The pair that a user works with, made on top of a transport. */
import type { Liveness } from "../transport/liveness.js";
import type { StartableTransport } from "../transport/transport.js";
import { systemClock, type Clock } from "../waiting/clock.js";
import { StreamProtocol } from "./stream-protocol.js";
import { StreamReader } from "./stream-reader.js";
import { StreamWriter } from "./stream-writer.js";

/**
 * Reader and writer of one connection: `const [reader, writer] = …`, `const { reader, writer } = …`, or
 * `await using connection = …`, which closes it as the writer's `[Symbol.asyncDispose]` does. Frozen.
 */
export type Connection = readonly [reader: StreamReader, writer: StreamWriter] & {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
} & AsyncDisposable;

/** What streams have to know besides their transport. */
export interface ConnectionOptions {
  /** The reader's limit, in bytes. */
  readonly limit: number;
  /** Which side of TLS `startTls()` takes. */
  readonly side: "client" | "server";
  /** The name that `startTls()` asks of the peer's certificate, unless told otherwise. */
  readonly host?: string | undefined;
  /** What limits of time go by. Default: the system's. */
  readonly clock?: Clock | undefined;
  readonly liveness?: Liveness | undefined;
}

/** Puts streams on a connected transport, and starts it. */
export function createConnection(transport: StartableTransport, options: ConnectionOptions): Connection {
  const { limit, side, host, clock = systemClock, liveness } = options;
  const reader = new StreamReader({ limit }, clock);
  const protocol = new StreamProtocol(StreamReader.bufferOf(reader));
  const writer = new StreamWriter(transport, protocol, { side, host });
  transport.start(protocol, liveness);
  const pair = [reader, writer];
  // One by one: together they cost twice as much.
  Object.defineProperty(pair, "reader", { value: reader });
  Object.defineProperty(pair, "writer", { value: writer });
  Object.defineProperty(pair, Symbol.asyncDispose, DISPOSE);
  return Object.freeze(pair) as unknown as Connection;
}

/** Of every connection: each is `this` in turn. */
const DISPOSE: PropertyDescriptor = {
  value(this: Connection): PromiseLike<void> {
    return this.writer[Symbol.asyncDispose]();
  },
};
