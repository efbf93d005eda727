/**
 * Sends 256 MiB through a connection to an echo server and back, in the way that it is given, and prints what that took.
 * Both ends are in this process.
 */
import { createHash } from "node:crypto";
import { argv } from "node:process";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { openConnection, startServer, type Connection } from "asyncio-streams";
import { fromDuplex, toDuplex } from "asyncio-streams/node";
import { fromWeb, toWeb } from "asyncio-streams/web";
import { patternBytes } from "../support/bytes.js";
import { HeldMemory } from "../support/held-memory.js";

export interface InteropBulkReport {
  /** The most that was held above what was so before the first byte, in bytes. */
  readonly addedMemory: number;
  readonly received: number;
  /** SHA-1 of all bytes, in hex, as they were sent and as they came back. */
  readonly digests: readonly [sent: string, received: string];
}

const TOTAL = 256 * 1_048_576;
const source = patternBytes(4 * 1_048_576);
const [sent, received] = [createHash("sha1"), createHash("sha1")];
let size = 0;

function* pieces(): Generator<Buffer, void, void> {
  for (let written = 0, step = 0; written < TOTAL; step++) {
    const start = (step * 40_961) % (source.length - 200_000);
    const piece = source.subarray(start, start + Math.min(1 + ((step * 7919) % 200_000), TOTAL - written));
    sent.update(piece);
    yield piece;
    written += piece.length;
    memory.passed(piece.length);
  }
}

function take(chunk: Uint8Array): void {
  received.update(chunk);
  size += chunk.length;
}

/** Over the reader and the writer. */
async function overConnection({ reader, writer }: Connection): Promise<void> {
  const send = async () => {
    for (const piece of pieces()) {
      writer.write(piece);
      await writer.drain();
    }
    writer.writeEof();
  };
  const receive = async () => {
    for await (const chunk of reader.chunks()) take(chunk);
  };
  await Promise.all([send(), receive()]);
}

const WAYS: Readonly<Record<string, (connection: Connection) => Promise<unknown>>> = {
  toWeb(connection) {
    const { readable, writable } = toWeb(connection);
    const copies = function* () {
      for (const piece of pieces()) yield new Uint8Array(piece);
    };
    const send = Readable.toWeb(Readable.from(copies())).pipeTo(writable);
    return Promise.all([send, readable.pipeTo(new WritableStream({ write: take }))]);
  },
  "fromWeb(toWeb)": (connection) => overConnection(fromWeb(toWeb(connection))),
  toDuplex(connection) {
    const duplex = toDuplex(connection);
    const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
      take(chunk);
      done();
    };
    return Promise.all([pipeline(pieces(), duplex), pipeline(duplex, new Writable({ write }))]);
  },
  "fromDuplex(toDuplex)": (connection) => overConnection(fromDuplex(toDuplex(connection))),
};

const server = await startServer(
  async (reader, writer) => {
    for await (const chunk of reader.chunks()) {
      writer.write(chunk);
      await writer.drain();
    }
  },
  "127.0.0.1",
  0,
);
const [host, port] = server.sockets[0]!.getsockname() as [string, number];
const connection = await openConnection(host, port);
const memory = new HeldMemory();
await WAYS[argv[2]!]!(connection);
const report: InteropBulkReport = {
  addedMemory: memory.added,
  received: size,
  digests: [sent.digest("hex"), received.digest("hex")],
};
console.log(JSON.stringify(report));
server.close();
await server.waitClosed();
await connection.writer.waitClosed();
