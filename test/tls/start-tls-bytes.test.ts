import assert from "node:assert/strict";
import { once } from "node:events";
import { before, describe, it } from "node:test";
import { createSecureContext, type SecureContext } from "node:tls";
import { TlsError, type Connection, type Truncation } from "asyncio-streams";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import {
  HeldEngine,
  wiredInMemory,
  wiredOverTcp,
  type Wire,
  type WiredConnection,
} from "../support/held-engine.js";
import { nextTurn } from "../support/turns.js";

/** The line before TLS, as both sides of such a protocol have one. */
const LINE = Buffer.from("STARTTLS\n");
/** Longer than the header of a TLS record. */
const INJECTED = Buffer.from("MAIL FROM:<x>\n");

/** What is no record, what looks like one, and what is too short to tell. */
const INJECTIONS = [INJECTED, Buffer.from("\x16\x03\x03\0\x0eMAIL FROM:<x>\n", "latin1"), Buffer.from("M")];

/** How many resolved promises, or a turn of the event loop, the test lets pass between two chunks. */
type Gap = number | "turn";

/** What comes first, and how. */
interface Opening {
  /** Cuts the bytes that this is about. */
  readonly cut: (bytes: Buffer) => readonly Buffer[];
  readonly gap: Gap;
  /** Whether all of it is there before the line is read. Default: the read waits for it. */
  readonly isReadLate?: boolean;
}

const splitAt = (index: number) => (bytes: Buffer) => [bytes.subarray(0, index), bytes.subarray(index)];
const byteByByte = (bytes: Buffer) => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));

interface Way {
  readonly name: string;
  readonly wired: () => WiredConnection | Promise<WiredConnection>;
  readonly truncation: Truncation;
  /** One split in so many is tried. */
  readonly step: number;
}

const cleanup = cleanups();
const overTcp = () => wiredOverTcp(cleanup);
const ways: readonly Way[] = [
  { name: "in memory", wired: wiredInMemory, truncation: "ignore", step: 1 },
  { name: "native", wired: overTcp, truncation: "ignore", step: 17 },
  { name: "bridged", wired: overTcp, truncation: "report", step: 17 },
];

/** Made once, since contexts cost more than handshakes. */
let forClient: { readonly secureContext: SecureContext };
let forServer: { readonly secureContext: SecureContext };
before(() => {
  const authority = makeAuthority();
  forClient = { secureContext: createSecureContext({ ca: authority.cert }) };
  forServer = { secureContext: createSecureContext(authority.issue()) };
});

type Side = "client" | "server";

/** A connection that reads the line and upgrades, and the engine at its other end. */
async function upgrading(side: Side, { wired, truncation }: Way) {
  const { connection, wire } = await wired();
  const [peer, context] =
    side === "client" ? [HeldEngine.server(forServer), forClient] : [HeldEngine.client(forClient), forServer];
  const upgrade = async () => {
    assert.deepEqual(await connection.reader.readLine(), LINE);
    await connection.writer.startTls(context, {
      serverSide: side === "server",
      serverHostname: "127.0.0.1",
      truncation,
    });
  };
  return { connection, wire, peer, upgrade };
}

async function send(wire: Wire, bytes: Buffer, { cut, gap }: Opening): Promise<void> {
  for (const piece of cut(bytes)) {
    if (piece.length > 0) wire.send(piece);
    if (gap === "turn") await nextTurn();
    else for (let tick = 0; tick < gap; tick++) await Promise.resolve();
  }
}

/** The line and the ClientHello come as `opening` says. Gives how many bytes they are. */
async function upgradeServer(way: Way, opening: Opening): Promise<number> {
  const { connection, wire, peer, upgrade } = await upgrading("server", way);
  const bytes = Buffer.concat([LINE, await peer.takeRecords()]);
  const early = opening.isReadLate ? undefined : upgrade();
  await Promise.all([early, send(wire, bytes, opening).then(() => peer.carryOver(wire))]);
  await (early ?? upgrade());
  await talk(connection, peer);
  return bytes.length;
}

/** The line comes, and then the server's first records as `opening` says. Gives how many bytes those are. */
async function upgradeClient(way: Way, opening: Opening): Promise<number> {
  const { connection, wire, peer, upgrade } = await upgrading("client", way);
  wire.listen((bytes) => peer.receive(bytes));
  wire.send(LINE);
  const upgraded = upgrade();
  const flight = await peer.takeRecords();
  await send(wire, flight, opening);
  peer.carryOver(wire);
  await upgraded;
  await talk(connection, peer);
  return flight.length;
}

/** Each side hears what the other one says, and nothing else. */
async function talk({ reader, writer }: Connection, peer: HeldEngine): Promise<void> {
  const answer = once(peer.socket, "data");
  peer.socket.write("encrypted\n");
  assert.equal((await reader.readLine()).toString(), "encrypted\n");
  writer.write("answer");
  assert.equal(String((await answer)[0]), "answer");
  writer.transport.abort();
  assert.equal((await reader.read()).length, 0);
}

/** Behind the line comes plain text, then all that a peer sends that means well. */
async function refuse(side: Side, injected: Buffer, way: Way, opening: Opening): Promise<void> {
  const { connection, wire, peer, upgrade } = await upgrading(side, way);
  const { reader, writer } = connection;
  const bytes = Buffer.concat([LINE, injected]);
  const early = opening.isReadLate ? undefined : upgrade();
  early?.catch(() => {});
  await send(wire, bytes, opening);
  peer.carryOver(wire);
  await assert.rejects(early ?? upgrade(), TlsError);
  await assert.rejects(reader.read(100), TlsError);
  await assert.rejects(writer.waitClosed(), TlsError);
}

/** Runs many upgrades, some beside each other. */
async function each<Item>(items: readonly Item[], check: (item: Item) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += 32) {
    await Promise.all(items.slice(start, start + 32).map(check));
  }
}

function range(end: number, step: number): number[] {
  return Array.from({ length: Math.ceil(end / step) }, (_, index) => index * step);
}

for (const way of ways) {
  const whole: Opening = { cut: splitAt(0), gap: 0 };

  describe(`StreamWriter: startTls() and the pieces that bytes come in, ${way.name}`, () => {
    it("takes up the line and the ClientHello at every split (91)", async () => {
      const size = await upgradeServer(way, whole);
      // In memory the pieces arrive within one turn, or in two; a socket needs two.
      const gaps: Gap[] = way.wired === wiredInMemory ? [3, "turn"] : ["turn"];
      const openings = gaps.flatMap((gap) =>
        range(size, way.step).map((index) => ({ cut: splitAt(index), gap })),
      );
      await each(openings, (opening) => upgradeServer(way, opening));
    });

    it("takes them up whenever the second piece comes, and when all came before the read (91)", async () => {
      const [line, record] = [LINE.length, LINE.length + 5];
      const splits = [line - 1, line, line + 1, record, record + 100];
      const openings = splits.flatMap((index) => [
        ...range(16, 1).map((gap) => ({ cut: splitAt(index), gap })),
        { cut: splitAt(index), gap: "turn", isReadLate: true } as const,
      ]);
      await each(openings, (opening) => upgradeServer(way, opening));
    });

    it("takes them up byte by byte (91)", async () => {
      for (const gap of [0, 3, "turn"] as const) await upgradeServer(way, { cut: byteByByte, gap });
    });

    it("takes up the server's first records at every split, and byte by byte", async () => {
      const size = await upgradeClient(way, whole);
      const cuts = [...range(size, 7 * way.step).map(splitAt), byteByByte];
      await each(cuts, (cut) => upgradeClient(way, { cut, gap: "turn" }));
    });

    for (const side of ["client", "server"] as const) {
      it(`fails on plain text behind the line at every split, and none of it can be read: ${side} (91)`, async () => {
        for (const injected of INJECTIONS) {
          const cuts = [...range(LINE.length + injected.length + 1, 1).map(splitAt), byteByByte];
          const openings = cuts.flatMap((cut) => [
            { cut, gap: 3 },
            { cut, gap: "turn" } as const,
            { cut, gap: "turn", isReadLate: true } as const,
          ]);
          await each(openings, (opening) => refuse(side, injected, way, opening));
        }
      });
    }
  });
}
