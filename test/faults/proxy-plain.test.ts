import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openConnection, type Connection } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import type { Direction, FaultKind, FaultProxy } from "../support/fault-proxy.js";
import {
  atEach,
  checkOutcome,
  connectThrough,
  DIRECTIONS,
  drainReader,
  nameOfEnd,
  outlastStall,
  positions,
  POSITIONS,
  receiveExactly,
  serveBehind,
  type Outcome,
  type Streams,
} from "./proxied.js";

/** What comes before the reads of an end that a stall holds up. */
type Outlast = (reader: Connection["reader"]) => Promise<void>;
type Received = Pick<Outcome, "received" | "end">;

/** A conversation in which each end sends so many bytes at least, all at once, and then its end. */
interface Scenario {
  readonly toServer: Uint8Array;
  /** What the server sends to a client that sent these bytes. */
  answer(sent: Uint8Array): Uint8Array;
  client(connection: Connection, outlast: Outlast): Promise<Received>;
  server(streams: Streams, outlast: Outlast): Promise<Received>;
  /** Which end waits in vain when this direction stalls. */
  heldUp(direction: Direction): "client" | "server";
  /** Directions in which a close can overtake data: the end of the other one does not wait for this data. */
  readonly overtaken: readonly Direction[];
}

const PAYLOAD = patternBytes(POSITIONS);

/** The server sends back what it gets, and its end behind the client's. */
const ECHO: Scenario = {
  toServer: PAYLOAD,
  answer: (sent) => sent,
  heldUp: () => "client",
  overtaken: ["toClient"],
  async client({ reader, writer }, outlast) {
    writer.write(PAYLOAD);
    writer.writeEof();
    await outlast(reader);
    return receiveExactly(reader, PAYLOAD.length);
  },
  async server({ reader, writer }) {
    const pieces: Buffer[] = [];
    try {
      for (let piece = await reader.read(64); piece.length > 0; piece = await reader.read(64)) {
        pieces.push(piece);
        writer.write(piece);
        await writer.drain();
      }
      return { received: Buffer.concat(pieces), end: "end" };
    } catch {
      const rest = await drainReader(reader);
      return { received: Buffer.concat([...pieces, rest.received]), end: rest.end };
    }
  },
};

/** Lines of 0 to 12 bytes, `POSITIONS` bytes in all. */
function lines(letter: string): Buffer {
  const all = Array.from({ length: 40 }, (_, index) => `${letter.repeat((index * 5) % 13)}\n`).join("");
  return Buffer.from(`${all.slice(0, POSITIONS - 1)}\n`);
}
const QUESTIONS = lines("q");
const ANSWERS = lines("a");

/** Both ends send lines and their end without waiting for the other. */
const LINES: Scenario = {
  toServer: QUESTIONS,
  answer: () => ANSWERS,
  heldUp: (direction) => (direction === "toServer" ? "server" : "client"),
  overtaken: ["toServer", "toClient"],
  async client(connection, outlast) {
    connection.writer.write(QUESTIONS);
    connection.writer.writeEof();
    await outlast(connection.reader);
    return receiveLines(connection);
  },
  async server(streams, outlast) {
    streams.writer.write(ANSWERS);
    streams.writer.writeEof();
    await outlast(streams.reader);
    return receiveLines(streams);
  },
};

/** Each piece of a loop ends with its newline, but the last one before the end; before an error only whole lines come, and the rest is left. */
async function receiveLines({ reader }: Streams): Promise<Received> {
  const pieces: Buffer[] = [];
  try {
    for await (const line of reader) {
      if (pieces.length > 0) assert.equal(pieces.at(-1)!.at(-1), 10);
      assert.equal(line.subarray(0, -1).indexOf(10), -1);
      pieces.push(line);
    }
    return { received: Buffer.concat(pieces), end: "end" };
  } catch {
    if (pieces.length > 0) assert.equal(pieces.at(-1)!.at(-1), 10);
    const rest = await drainReader(reader);
    assert.equal(rest.received.indexOf(10), -1);
    return { received: Buffer.concat([...pieces, rest.received]), end: rest.end };
  }
}

const SCENARIOS = { echo: ECHO, lines: LINES };

const FAULTS: Readonly<Record<FaultKind, string>> = {
  cut: "exactly the bytes before it, then the end, and the other direction goes on",
  reset: "exactly the bytes before it, then ConnectionResetError, at both ends",
  stall: "a read runs into its timeout and takes nothing; afterwards all is there",
  dribble: "all bytes, and the end",
  reorder: "a close that has overtaken the rest of the data loses none of it",
  slow: "all bytes, and the end",
};

/** By the kind of fault: it is tried at every so many positions, unless all are asked for. */
const STEPS: Readonly<Record<FaultKind, number>> = {
  cut: 3,
  reset: 3,
  stall: 3,
  dribble: 20,
  reorder: 20,
  slow: 20,
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  describe(`${name} through a proxy that does harm after each of the first ${POSITIONS} bytes`, () => {
    for (const [kind, criterion] of Object.entries(FAULTS) as [FaultKind, string][]) {
      const directions = kind === "reorder" ? scenario.overtaken : DIRECTIONS;
      for (const direction of directions) {
        it(`${kind} ${direction}: ${criterion}`, () =>
          atEach(positions(POSITIONS, STEPS[kind]), async (after, cleanup) => {
            const outlast =
              (end: "client" | "server"): Outlast =>
              async (reader) => {
                if (kind !== "stall" || scenario.heldUp(direction) !== end || proxy.isReleased) return;
                // More than there is, so that it waits for the end, too.
                await outlastStall(proxy, (limit) => reader.readExactly(1_000, limit));
              };
            const { server, proxy, outcome } = await serveBehind(
              cleanup,
              { kind, direction, after },
              (streams) => scenario.server(streams, outlast("server")),
            );
            const connection = await connectThrough(proxy);
            if (connection === undefined) assert.equal(after, 0);
            else {
              const received = await scenario.client(connection, outlast("client"));
              connection.writer.close();
              const closed = await nameOfEnd(connection.writer.waitClosed());
              const sent = scenario.answer(scenario.toServer.subarray(0, proxy.toServer.passed));
              checkOutcome("client", { ...received, closed }, sent, proxy.toClient, proxy.isReset);
            }
            checkOutcome("server", await outcome, scenario.toServer, proxy.toServer, proxy.isReset);
            checkPassed(scenario, proxy, kind, direction, after);
            if (after % 10 === 0) await assertServes(portOf(server), scenario);
          }));
      }
    }
  });
}

/** What the proxy has passed on must be what the fault lets pass. */
function checkPassed(
  scenario: Scenario,
  { toServer, toClient, isReset, ...proxy }: FaultProxy,
  kind: FaultKind,
  direction: Direction,
  after: number,
): void {
  assert.equal(isReset, kind === "reset");
  if (kind === "cut" || kind === "reset") {
    assert.equal((direction === "toServer" ? toServer : toClient).passed, after);
  }
  if (kind === "reset") return;
  if (!(kind === "cut" && direction === "toServer"))
    assert.equal(toServer.passed, scenario.toServer.length, `${proxy.port}`);
  if (!(kind === "cut" && direction === "toClient"))
    assert.equal(toClient.passed, scenario.answer(scenario.toServer.subarray(0, toServer.passed)).length);
  assert.ok(toServer.hasEnded && toClient.hasEnded);
}

/** Others are served as ever. */
async function assertServes(port: number, scenario: Scenario): Promise<void> {
  const connection = await openConnection("127.0.0.1", port);
  const { received, end } = await scenario.client(connection, async () => {});
  assert.ok(received.equals(scenario.answer(scenario.toServer)));
  assert.equal(end, "end");
  connection.writer.close();
  await connection.writer.waitClosed();
}
