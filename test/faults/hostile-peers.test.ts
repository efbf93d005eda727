/** What peers that mean no good can make a server hold: measured, and bounded by what the server has set. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import {
  IdleTimeoutError,
  LimitOverrunError,
  LineTooLongError,
  openConnection,
  startServer,
  TimeoutError,
  TlsError,
  TlsHandshakeTimeoutError,
  type Connection,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { portOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory } from "../support/connections.js";
import { externalMemory } from "../support/garbage.js";
import { isPending } from "../support/pending.js";
import { runProgram } from "../support/processes.js";
import { barePort, HALF_RECORD } from "../support/tls-peers.js";
import { nextTurn, turns } from "../support/turns.js";

const KIBIBYTE = 1024;
/** Of the readers of these servers. */
const LIMIT = 16 * KIBIBYTE;
/** What a socket gives at once, at most; as much is on its way when it is paused. */
const CHUNK: number = (process.versions["bun"] === undefined ? 64 : 512) * KIBIBYTE;
/** What is written at once. */
const PIECE = 64 * KIBIBYTE;
/** Of the peers that take nothing: the kernel holds megabytes for each. */
const AT_REST = 40;
/** What a TLS engine holds of what came, besides. */
const ENGINE = 128 * KIBIBYTE;

const authority = makeAuthority();
const identity = authority.issue();
const cleanup = cleanups();

interface Layer {
  readonly name: string;
  readonly options: StartServerOptions;
  /** How many peers come at once. */
  readonly crowd: number;
  readonly over: "" | " over TLS";
  /** What it holds for a connection beside reader and writer, at most. */
  readonly engine: number;
  /** The writer's high mark. */
  readonly high: number;
}

const tls = { crowd: 200, over: " over TLS", engine: ENGINE, high: 512 * KIBIBYTE } as const;
const LAYERS: readonly Layer[] = [
  { name: "plain", options: {}, crowd: 500, over: "", engine: 0, high: 64 * KIBIBYTE },
  { name: "TLS, native", options: { ssl: identity, truncation: "ignore" }, ...tls },
  { name: "TLS, bridged", options: { ssl: identity, truncation: "report" }, ...tls },
];

for (const { name, options, crowd, over, engine, high } of LAYERS) {
  describe(`${crowd} hostile peers at once, ${name}`, () => {
    /** A server with its connections, none of which ends by itself, and how much more memory is held than before. */
    async function besieged(
      manner: string,
      callback: (reader: StreamReader, writer: StreamWriter) => unknown = () => {},
      more: StartServerOptions = {},
      count = crowd,
    ) {
      const connections: Connection[] = [];
      const before = externalMemory();
      const server = await startServer(
        async (reader, writer, { signal }) => {
          connections.push({ reader, writer } as Connection);
          await callback(reader, writer);
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
        "127.0.0.1",
        0,
        { limit: LIMIT, backlog: 1_000, onError: () => {}, ...options, ...more },
      );
      cleanup(() => server.shutdown({ grace: 0 }));
      const program = runProgram(cleanup, "test/programs/hostile-crowd.js", [
        String(portOf(server)),
        String(count),
        manner,
      ]);
      return { connections, server, program, assertHeld: (bound: number) => assertHeld(before, bound) };
    }

    it("that send without end: a reader that nobody reads holds 2 × limit and a chunk, the process as much for each", async () => {
      const { connections, assertHeld } = await besieged(`floods${over}`);
      const isFull = ({ reader }: Connection) => reader.bufferedBytes > 2 * LIMIT;
      await until(() => connections.length === crowd && connections.every(isFull));
      // What could still come does.
      await turns(20);
      const most = Math.max(...connections.map(({ reader }) => reader.bufferedBytes));
      assert.ok(most <= 2 * LIMIT + CHUNK, `${most} bytes in a reader`);
      await assertHeld(crowd * (2 * LIMIT + 2 * CHUNK + engine));
    });

    it("that never end a line: readLine() gives it up at the limit, each time, and no reader holds more", async () => {
      let refusals = 0;
      let most = 0;
      const { connections, assertHeld } = await besieged(`floods${over}`, async (reader) => {
        for (let time = 0; time < 2; time++) {
          await assert.rejects(reader.readLine(), LineTooLongError);
          refusals++;
          most = Math.max(most, reader.bufferedBytes);
        }
      });
      await until(() => refusals === 2 * crowd);
      assert.equal(connections.length, crowd);
      assert.ok(most <= 2 * LIMIT + CHUNK, `${most} bytes in a reader`);
      await assertHeld(crowd * (2 * LIMIT + 2 * CHUNK + engine));
    });

    it("that say nothing cost next to nothing", async () => {
      const { connections, assertHeld, program } = await besieged(`is silent${over}`);
      assert.equal(await program.nextLine(), "connected");
      await until(() => connections.length === crowd);
      assert.ok(connections.every(({ reader }) => reader.bufferedBytes === 0));
      await assertHeld(crowd * (8 * KIBIBYTE + engine));
    });

    it(`that take nothing (${AT_REST} of them): a writer that is drained holds its high mark and one write`, async () => {
      const piece = Buffer.alloc(PIECE);
      const { connections, assertHeld } = await besieged(
        `takes nothing${over}`,
        (_, writer) => {
          const write = async () => {
            for (;;) {
              writer.write(piece);
              await writer.drain();
            }
          };
          const writing = write();
          writing.catch(() => {});
        },
        {},
        AT_REST,
      );
      const isStuck = ({ writer }: Connection) => writer.transport.getWriteBufferSize() > 0;
      await until(() => connections.length === AT_REST && connections.every(isStuck));
      await turns(20);
      const sizes = connections.map(({ writer }) => writer.transport.getWriteBufferSize());
      assert.ok(Math.max(...sizes) <= high + PIECE, `${Math.max(...sizes)} bytes in a writer`);
      // Bridged TLS holds it encrypted, too.
      await assertHeld(AT_REST * (2 * (high + PIECE) + engine));
    });

    it("meet maxConnections: so many are served, the rest is held unread, or refused above the backlog", async () => {
      const [maxConnections, backlog] = [5, 10];
      const { connections, assertHeld, server } = await besieged(`floods${over}`, () => {}, {
        maxConnections,
        backlog,
      });
      const isFull = ({ reader }: Connection) => reader.bufferedBytes > 2 * LIMIT;
      await until(() => connections.length === maxConnections && connections.every(isFull));
      await turns(20);
      assert.equal(connections.length, maxConnections);
      await assertHeld((maxConnections + backlog) * (2 * LIMIT + 2 * CHUNK + engine));
      assert.equal(server.isServing(), true);
    });
  });
}

describe("peers that begin TLS", () => {
  for (const truncation of ["ignore", "report"] as const) {
    const options = { ssl: identity, truncation } as const;

    it(`and stop: 500 at once hold little memory, and their place until sslHandshakeTimeout, truncation: ${truncation}`, async () => {
      const before = externalMemory();
      const errors: unknown[] = [];
      const server = await startServer(() => assert.fail("served"), "127.0.0.1", 0, {
        ...options,
        backlog: 1_000,
        sslHandshakeTimeout: 1_000,
        onError: (error) => void errors.push(error),
      });
      cleanup(() => server.shutdown({ grace: 0 }));
      const args = [String(portOf(server)), "500", "begins a handshake"];
      const program = runProgram(cleanup, "test/programs/hostile-crowd.js", args);
      assert.equal(await program.nextLine(), "connected");
      await assertHeld(before, 500 * ENGINE);
      await until(() => errors.length > 0);
      assert.ok(errors[0] instanceof TlsHandshakeTimeoutError);
      server.close();
      await server.waitClosed();
    });

    it(`and never end the ClientHello are refused, truncation: ${truncation}`, async () => {
      const errors: unknown[] = [];
      const server = await startServer(() => assert.fail("served"), "127.0.0.1", 0, {
        ...options,
        onError: (error) => void errors.push(error),
      });
      cleanup(() => server.shutdown({ grace: 0 }));
      const socket = connect(portOf(server), "127.0.0.1").on("error", () => {});
      cleanup(() => socket.destroy());
      const sent = await floodUntilClosed(socket, ENDLESS_HELLO);
      await until(() => errors.length > 0);
      assert.ok(errors[0] instanceof TlsError);
      assert.ok(sent < 32 * KIBIBYTE * KIBIBYTE, `${sent} bytes were taken`);
    });

    it(`and never end the ServerHello are refused, truncation: ${truncation}`, async () => {
      const port = await barePort(cleanup, (socket) => void floodUntilClosed(socket, ENDLESS_SERVER_HELLO));
      const ssl = { ca: authority.cert };
      const opening = openConnection("127.0.0.1", port, { ssl, truncation });
      await assert.rejects(opening, TlsError);
    });
  }
});

/** Records of a handshake, of 16 KiB, with one message that says it has 16 MiB; the rest of them are more of it. */
const ENDLESS_HELLO: Buffer = endless(0x01);
const ENDLESS_SERVER_HELLO: Buffer = endless(0x02);

function endless(message: number): Buffer {
  const record = Buffer.alloc(5 + 16_384, 0x03);
  record.set([0x16, 0x03, 0x03, 0x40, 0x00, message, 0xff, 0xff, 0xff]);
  return record;
}

/** Resolves with how many bytes went out. */
function floodUntilClosed(socket: Socket, bytes: Buffer): Promise<number> {
  const send = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("drain", send).resume();
  send();
  return new Promise((resolve) => socket.once("close", () => resolve(socket.bytesWritten)));
}

describe("one hostile peer", () => {
  const NOTHING_LOST = "short\n";

  it("that never ends a line costs lines({ onOverrun: 'skip' }) no more than the limit and a chunk", async () => {
    const { near, far } = connectedInMemory(LIMIT);
    const next = near.reader.lines({ onOverrun: "skip", keepEnds: true }).next();
    let most = 0;
    for (let time = 0; time < 500; time++) {
      far.writer.write(Buffer.alloc(PIECE, "x"));
      await far.writer.drain();
      most = Math.max(most, near.reader.bufferedBytes);
    }
    far.writer.write(`\n${NOTHING_LOST}`);
    assert.equal(String((await next).value), NOTHING_LOST);
    assert.ok(most <= 2 * LIMIT + CHUNK, `${most} bytes`);
  });

  it("that never sends the separator is refused by readUntil() at the limit, and its bytes stay bounded", async () => {
    const { near, far } = connectedInMemory(LIMIT);
    const flood = (async () => {
      for (;;) await far.writer.send(Buffer.alloc(PIECE, "x"));
    })();
    flood.catch(() => {});
    for (let time = 0; time < 3; time++) {
      await assert.rejects(near.reader.readUntil("\n"), LimitOverrunError);
      assert.ok(near.reader.bufferedBytes <= 2 * LIMIT + 2 * CHUNK, `${near.reader.bufferedBytes} bytes`);
    }
    near.writer.transport.abort();
    await assert.rejects(flood);
  });

  it("that says nothing is given up by liveness, 500 of them too, with what says why", async () => {
    const network = memoryNetwork({ autoAdvance: false });
    const ends: Promise<unknown>[] = [];
    const server = await startServer(
      (_, writer) => {
        ends.push(writer.waitClosed().catch((error: unknown) => error));
      },
      "silent.test",
      1,
      { network, liveness: { idle: 60_000 }, autoClose: false, backlog: 500 },
    );
    await Promise.all(Array.from({ length: 500 }, () => openConnection("silent.test", 1, { network })));
    await until(() => ends.length === 500);
    await network.clock.advance(59_999);
    assert.ok(await isPending(Promise.race(ends)));
    await network.clock.advance(1);
    const errors = await Promise.all(ends);
    assert.ok(errors.every((error) => error instanceof IdleTimeoutError));
    await server.shutdown({ grace: 0 });
  });

  it("that sends one byte a second is never idle, and bounded by a time-out of the read", async () => {
    const network = memoryNetwork();
    const { clock } = network;
    const reads: Promise<unknown>[] = [];
    let buffered = 0;
    const server = await startServer(
      async (reader) => {
        const reading = reader.readLine({ timeout: 10_000 }).catch((error: unknown) => error);
        reads.push(reading);
        await reading;
        buffered = reader.bufferedBytes;
      },
      "slow.test",
      1,
      { network, liveness: { idle: 5_000 } },
    );
    const { reader, writer } = await openConnection("slow.test", 1, { network });
    const drip = () => {
      writer.write("x");
      if (!writer.isClosing()) clock.setTimer(1_000, drip);
    };
    drip();
    assert.equal((await reader.read()).length, 0);
    writer.close();
    assert.ok((await reads[0]) instanceof TimeoutError);
    assert.ok(buffered >= 9 && buffered <= 11, `${buffered} bytes`);
    assert.ok(clock.now() < 20_000);
    await server.shutdown({ grace: 0 });
  });

  it("that sends one byte of a handshake a second is given up after sslHandshakeTimeout", async () => {
    const network = memoryNetwork();
    const { clock } = network;
    const errors: unknown[] = [];
    const server = await startServer(() => assert.fail("served"), "slow.test", 1, {
      network,
      ssl: identity,
      sslHandshakeTimeout: 5_000,
      onError: (error) => void errors.push(error),
    });
    const { writer } = await openConnection("slow.test", 1, { network });
    let sent = 0;
    const drip = () => {
      writer.write(HALF_RECORD.subarray(sent, ++sent));
      if (!writer.isClosing() && sent < HALF_RECORD.length - 1) clock.setTimer(1_000, drip);
    };
    drip();
    await until(() => errors.length > 0);
    assert.ok(errors[0] instanceof TlsHandshakeTimeoutError);
    assert.equal(clock.now(), 5_000);
    writer.transport.abort();
    await server.shutdown({ grace: 0 });
  });

  it("that begins TLS and stops keeps its place among maxConnections until then, and no longer", async () => {
    const network = memoryNetwork({ autoAdvance: false });
    const served: unknown[] = [];
    const server = await startServer(
      async (reader) => {
        served.push(reader);
        await reader.read();
      },
      "busy.test",
      1,
      { network, ssl: identity, maxConnections: 1, onError: () => {} },
    );
    const stuck = await openConnection("busy.test", 1, { network });
    stuck.writer.write(HALF_RECORD);
    const good = openConnection("busy.test", 1, {
      network,
      ssl: { ca: authority.cert },
      serverHostname: "localhost",
      sslHandshakeTimeout: 100_000,
    });
    await network.clock.advance(59_000);
    assert.deepEqual(served, []);
    await network.clock.advance(1_000);
    const { writer } = await good;
    await until(() => served.length === 1);
    writer.transport.abort();
    stuck.writer.transport.abort();
    await server.shutdown({ grace: 0 });
  });
});

/**
 * Not more than `bound` bytes outside of the heap since there were `before`. The runtime frees what it has collected in a
 * thread of its own, so a few looks may be needed to see what is held.
 */
async function assertHeld(before: number | undefined, bound: number): Promise<void> {
  if (before === undefined) return;
  let held = Infinity;
  for (let look = 0; look < 20 && held > bound; look++) {
    await turns(5);
    held = externalMemory()! - before;
  }
  if (process.env["SHOW_MEMORY"]) console.log("held", held, "of", bound);
  assert.ok(held <= bound, `${held} bytes in the process, ${bound} allowed`);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}
