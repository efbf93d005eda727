import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { before, describe, it } from "node:test";
import { createSecureContext, type SecureContext } from "node:tls";
import {
  frames,
  InvalidStateError,
  lengthPrefixed,
  TlsError,
  type Connection,
  type StreamReader,
  type Truncation,
} from "asyncio-streams";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedToSocket } from "../support/connections.js";
import {
  HeldEngine,
  wiredInMemory,
  wiredOverTcp,
  type Wire,
  type WiredConnection,
} from "../support/held-engine.js";
import { isPending, nextTurn } from "../support/turns.js";

/** Longer than the header of a TLS record. */
const INJECTED = Buffer.from("MAIL FROM:<x>\r\n");
const SECRET = Buffer.from("encrypted\n");
/** More than any record that has begun still needs. */
const MORE = Buffer.alloc(20_000, "more\n");

interface Way {
  readonly name: string;
  readonly wired: () => WiredConnection | Promise<WiredConnection>;
  readonly truncation: Truncation;
  /** One position in so many is tried in what is long. */
  readonly step: number;
}

type Side = "client" | "server";
const SIDES: readonly Side[] = ["client", "server"];

const cleanup = cleanups();
const overTcp = () => wiredOverTcp(cleanup);
const ways: readonly Way[] = [
  { name: "in memory", wired: wiredInMemory, truncation: "ignore", step: 1 },
  { name: "native", wired: overTcp, truncation: "ignore", step: 13 },
  { name: "bridged", wired: overTcp, truncation: "report", step: 13 },
];

let forClient: { readonly secureContext: SecureContext };
let forServer: { readonly secureContext: SecureContext };
before(() => {
  const authority = makeAuthority();
  forClient = { secureContext: createSecureContext({ ca: authority.cert }) };
  forServer = { secureContext: createSecureContext(authority.issue()) };
});

/** A connection that upgrades, and the engine at its other end. */
async function upgrading(side: Side, { wired, truncation }: Way) {
  const { connection, wire } = await wired();
  const [peer, context] =
    side === "client" ? [HeldEngine.server(forServer), forClient] : [HeldEngine.client(forClient), forServer];
  const upgraded = connection.writer.startTls(context, {
    serverSide: side === "server",
    serverHostname: "127.0.0.1",
    truncation,
  });
  upgraded.catch(() => {});
  return { connection, wire, peer, upgraded };
}

/** Sends the peer's `flight`th records with plain text at `index`; gives how many bytes they are. `undefined`: without. */
async function intoHandshake(
  side: Side,
  way: Way,
  flight: 1 | 2,
  index: number | undefined,
): Promise<number> {
  const { connection, wire, peer, upgraded } = await upgrading(side, way);
  wire.listen((bytes) => peer.receive(bytes));
  let records = await peer.takeRecords();
  if (flight === 2) {
    wire.send(records);
    records = await peer.takeRecords();
  }
  const isWhole = await sendAround(wire, records, index);
  peer.carryOver(wire);
  if (index === undefined) {
    await upgraded;
    connection.writer.transport.abort();
    return records.length;
  }
  wire.send(MORE);
  // Behind the peer's last word the handshake may be done, and the next read fails.
  const where = `index ${index} of ${records.toString("hex")}`;
  await (isWhole ? upgraded.catch(() => {}) : assert.rejects(upgraded, TlsError, where));
  const { bytes, error } = await readToEnd(connection);
  assert.equal(bytes.length, 0);
  assert.ok(error instanceof TlsError, `${where}: ${String(error)}`);
  return records.length;
}

/**
 * `bytes` with plain text at `index`, in pieces that arrive one by one. Gives whether `bytes` are whole all the same: it may
 * stand behind them, or the last ones may happen to be what it begins with. Then they go first, until they have `arrived`.
 */
async function sendAround(
  wire: Wire,
  bytes: Buffer,
  index: number | undefined,
  arrived: () => Promise<void> = nextTurn,
): Promise<boolean> {
  const pieces = index === undefined ? [bytes] : [bytes.subarray(0, index), INJECTED, bytes.subarray(index)];
  const all = Buffer.concat(pieces);
  const isWhole = all.subarray(0, bytes.length).equals(bytes);
  for (const piece of isWhole ? [bytes, all.subarray(bytes.length)] : pieces) {
    if (piece.length > 0) wire.send(piece);
    await (isWhole && piece === bytes ? arrived() : nextTurn());
  }
  return isWhole;
}

/** After the handshake the peer sends a line, with plain text at `index` of its records; gives how many bytes they are. */
async function intoRecords(side: Side, way: Way, index: number): Promise<number> {
  const { connection, wire, peer, records } = await withRecordsHeld(side, way);
  const arrived = () => until(() => connection.reader.bufferedBytes === SECRET.length);
  const isWhole = await sendAround(wire, records, index, arrived);
  peer.carryOver(wire);
  peer.socket.write(MORE);
  const { bytes, error } = await readToEnd(connection);
  // What came before it was still the peer's.
  assert.equal(bytes.toString(), isWhole ? SECRET.toString() : "");
  assert.ok(error instanceof TlsError, `index ${index}: ${String(error)}`);
  return records.length;
}

/** After the handshake the peer has sent a line: its records have not left yet. */
async function withRecordsHeld(side: Side, way: Way) {
  const { connection, wire, peer, upgraded } = await upgrading(side, way);
  peer.carryOver(wire);
  await upgraded;
  peer.hold();
  peer.socket.write(SECRET);
  return { connection, wire, peer, records: await peer.takeRecords() };
}

/** All that can be read, and how it ended: `undefined` for an end without an error. */
async function readToEnd({ reader }: Connection): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const chunk = await reader.read(1_000);
      if (chunk.length === 0) return { bytes: Buffer.concat(chunks), error: undefined };
      chunks.push(chunk);
    }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

async function assertNothingToRead(connection: Connection): Promise<void> {
  const { bytes } = await readToEnd(connection);
  assert.equal(bytes.length, 0);
}

/** Runs many cases, some beside each other. */
async function each<Item>(items: readonly Item[], check: (item: Item) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += 32) {
    await Promise.all(items.slice(start, start + 32).map(check));
  }
}

/** Positions from 0 to `size`, both in it: all at the begin and the end, and one of `step` between. */
function positions(size: number, step: number): number[] {
  const isNear = (index: number) => index < 12 || index > size - 40;
  return Array.from({ length: size + 1 }, (_, index) => index).filter(
    (index) => isNear(index) || index % step === 0,
  );
}

for (const way of ways) {
  describe(`StreamWriter: plain text injected into TLS, ${way.name}`, () => {
    for (const [side, flight, what, step] of [
      ["server", 1, "the ClientHello", 1],
      ["server", 2, "the client's last records of the handshake", 1],
      // They have the certificate.
      ["client", 1, "the server's records of the handshake", 5],
    ] as const) {
      it(`fails the handshake at every position of ${what}, and nothing can be read`, async () => {
        const size = await intoHandshake(side, way, flight, undefined);
        await each(positions(size, step * way.step), (index) => intoHandshake(side, way, flight, index));
      });
    }

    for (const side of SIDES) {
      it(`is an error at every position after the handshake, and none of it can be read: ${side}`, async () => {
        const size = await intoRecords(side, way, 0);
        await each(positions(size, 7).slice(1), (index) => intoRecords(side, way, index));
      });

      it(`takes nothing from what the peer sent just before it: ${side}`, async () => {
        const { connection, wire, records } = await withRecordsHeld(side, way);
        wire.send(Buffer.concat([records, INJECTED]));
        const { bytes, error } = await readToEnd(connection);
        assert.equal(bytes.toString(), SECRET.toString());
        assert.ok(error instanceof TlsError, String(error));
      });

      it(`is not read behind the peer's close_notify: ${side}`, async () => {
        const { connection, wire, peer, upgraded } = await upgrading(side, way);
        peer.carryOver(wire);
        await upgraded;
        peer.hold();
        peer.socket.end(SECRET);
        await once(peer.socket, "finish");
        wire.send(Buffer.concat([await peer.takeRecords(), INJECTED]));
        assert.equal((await readToEnd(connection)).bytes.toString(), SECRET.toString());
      });

      it(`is what was written before the upgrade alone, and nothing after it: ${side}`, async () => {
        const { connection, wire } = await way.wired();
        const { writer } = connection;
        const sent: Uint8Array[] = [];
        const [peer, context] =
          side === "client"
            ? [HeldEngine.server(forServer), forClient]
            : [HeldEngine.client(forClient), forServer];
        wire.listen((bytes) => void sent.push(bytes));
        const options = {
          serverSide: side === "server",
          serverHostname: "127.0.0.1",
          truncation: way.truncation,
        };
        writer.write("220 ready\n");
        const upgraded = writer.startTls(context, options);
        const refusals = [
          () => writer.write(SECRET),
          () => writer.writeLines([SECRET]),
          () => writer.writeEof(),
        ];
        for (const write of refusals) assert.throws(write, InvalidStateError);
        await assert.rejects(writer.send(SECRET), InvalidStateError);
        await until(() => Buffer.concat(sent).length >= 10);
        const early = Buffer.concat(sent.splice(0));
        assert.equal(early.subarray(0, 10).toString(), "220 ready\n");
        peer.receive(early.subarray(10));
        const tee: Wire = {
          send: (bytes) => wire.send(bytes),
          listen: (receive) =>
            wire.listen((bytes) => {
              sent.push(bytes);
              receive(bytes);
            }),
        };
        peer.carryOver(tee);
        await upgraded;
        writer.write(SECRET);
        const [heard] = (await once(peer.socket, "data")) as [Buffer];
        assert.equal(heard.toString(), SECRET.toString());
        assert.equal(Buffer.concat(sent).includes(SECRET), false);
      });
    }
  });
}

for (const { name, wired } of ways.slice(0, 2)) {
  describe(`StreamWriter: startTls() while a read waits, ${name}`, () => {
    const READS: Readonly<Record<string, (reader: StreamReader) => Promise<unknown>>> = {
      read: (reader) => reader.read(100),
      readExactly: (reader) => reader.readExactly(6),
      readLine: (reader) => reader.readLine(),
      readUntil: (reader) => reader.readUntil("\n"),
      readInto: (reader) => reader.readInto(new Uint8Array(6)),
      peek: (reader) => reader.peek(6),
      discard: (reader) => reader.discard(6),
      "the loop": (reader) => reader[Symbol.asyncIterator]().next(),
      lines: (reader) => reader.lines({ batches: true }).next(),
      chunks: (reader) => reader.chunks()[Symbol.asyncIterator]().next(),
      frames: (reader) => frames(reader, lengthPrefixed({ bytes: 1, maxFrame: 200 })).next(),
    };
    for (const [method, read] of Object.entries(READS)) {
      for (const side of SIDES) {
        it(`is refused, and all stays plain: ${method}, ${side}`, async () => {
          const { connection, wire } = await wired();
          const { reader, writer } = connection;
          const sent: Uint8Array[] = [];
          wire.listen((bytes) => void sent.push(bytes));
          const reading = read(reader);
          const upgrading = writer.startTls(side === "client" ? forClient : forServer, {
            serverSide: side === "server",
            serverHostname: "127.0.0.1",
          });
          await assert.rejects(upgrading, InvalidStateError);
          wire.send(Buffer.from("\x05hell\n"));
          await reading;
          writer.write("plain");
          await until(() => sent.length > 0);
          assert.equal(Buffer.concat(sent).toString(), "plain");
          assert.equal(writer.getExtraInfo("tlsVersion"), undefined);
          writer.transport.abort();
        });
      }
    }
  });
}

/** More than the kernel takes for a peer that does not read. */
const MUCH = Buffer.alloc(16_000_000);

for (const { name, truncation } of ways.slice(1)) {
  describe(`StreamWriter: plain text that comes while startTls() waits for room, ${name}`, () => {
    for (const side of SIDES) {
      const cuts = [0, 1, 5, INJECTED.length - 1, INJECTED.length];
      for (const cut of cuts) {
        it(`fails the handshake, and none of it can be read: ${side}, ${cut} bytes before the handshake`, async () => {
          const { connection, peer: raw } = await connectedToSocket(cleanup);
          const { reader, writer } = connection;
          writer.write(MUCH);
          const upgraded = writer.startTls(side === "client" ? forClient : forServer, {
            serverSide: side === "server",
            serverHostname: "127.0.0.1",
            truncation,
          });
          upgraded.catch(() => {});
          raw.write(INJECTED.subarray(0, cut));
          await until(() => reader.bufferedBytes === cut);
          assert.ok(await isPending(upgraded));
          const engine = side === "client" ? HeldEngine.server(forServer) : HeldEngine.client(forClient);
          await skip(raw, MUCH.length);
          raw.write(INJECTED.subarray(cut));
          engine.carryOver({
            send: (bytes) => void (raw.writable && raw.write(bytes)),
            listen: (receive) => void raw.on("data", receive),
          });
          await assert.rejects(upgraded, TlsError);
          await assertNothingToRead(connection);
        });
      }
    }
  });
}

/** Reads `size` bytes, and gives back what came behind them. */
async function skip(raw: Socket, size: number): Promise<void> {
  for (let left = size; left > 0;) {
    const chunk = raw.read() as Buffer | null;
    if (chunk === null) {
      await once(raw, "readable");
      continue;
    }
    left -= chunk.length;
    if (left < 0) raw.unshift(chunk.subarray(left));
  }
  raw.removeAllListeners("readable");
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}
