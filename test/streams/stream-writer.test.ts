import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  ConnectionResetError,
  IncompleteReadError,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  type BytesLike,
  type Connection,
  type SocketAddress,
  type StreamWriter,
  type TransportSocket,
} from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { countCalls } from "../support/count-calls.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { temporaryFolder } from "../support/folders.js";
import { turns } from "../support/turns.js";

/** More than a connection in memory holds, of which it moves 65 536 at a time: 10 000 are the last ones to go. */
const TOO_MUCH = patternBytes(15 * 65_536 + 10_000);

/** What a promise has come to within a few turns of the event loop. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "pending";
  promise.then(
    () => (state = "resolved"),
    (error: Error) => (state = `rejected: ${error.name}`),
  );
  await turns(3);
  return state;
}

/** A connection whose writing is held up, since the far one does not read. */
function heldConnection() {
  const pair = connectedInMemory(1000);
  pair.near.writer.write(TOO_MUCH);
  return pair;
}

describe("StreamWriter: write() and writeLines()", () => {
  it("write() takes a Uint8Array, a Buffer or a string, as UTF-8; nothing for empty ones (37)", async () => {
    const { near, far } = connectedInMemory();
    for (const data of [Uint8Array.of(65), Buffer.from("B"), "ç", "", new Uint8Array(0)]) {
      assert.equal(near.writer.write(data), undefined);
    }
    near.writer.close();
    assert.equal((await far.reader.read()).toString(), "ABç");
  });

  it("write() refuses what is neither, with the value (37)", () => {
    const { writer } = connectedInMemory().near;
    const wrong = [null, undefined, 7, {}, [1], new ArrayBuffer(1), new DataView(new ArrayBuffer(1))];
    for (const data of [...wrong, new Uint16Array(1), Symbol("s")]) {
      assert.throws(() => writer.write(data as string), {
        name: "TypeError",
        message: /^data argument must be a bytes-like object or a string, not /,
      });
    }
    assert.throws(() => writer.write(7 as never), /not number 7$/);
  });

  it("writeLines() takes any iterable, generators too (39)", async () => {
    const { near, far } = connectedInMemory();
    function* lines(): Generator<BytesLike> {
      yield "one\n";
      yield Buffer.from("two\n");
    }
    near.writer.writeLines(lines());
    near.writer.writeLines(new Set(["three\n"]));
    near.writer.writeLines([]);
    near.writer.close();
    assert.equal((await far.reader.read()).toString(), "one\ntwo\nthree\n");
  });

  it("writeLines() refuses a bare string, bare bytes, no iterable, and a wrong member before it writes any (39)", async () => {
    const { near, far } = connectedInMemory();
    for (const list of ["text", Buffer.from("x"), 7, null, undefined, {}, ["ok", 7], [["nested"]]]) {
      assert.throws(() => near.writer.writeLines(list as string[]), TypeError);
    }
    near.writer.close();
    assert.equal((await far.reader.read()).length, 0);
  });

  it("writeLines() holds drain() back as write() does (39)", async () => {
    const { near, far } = connectedInMemory(1000);
    near.writer.writeLines(Array.from({ length: 100 }, () => patternBytes(10_000)));
    const drain = near.writer.drain();
    assert.equal(await stateOf(drain), "pending");
    await far.reader.readExactly(1_000_000);
    await drain;
  });

  it("write() and writeLines() after writeEof() are errors, also for nothing and after close() (37, 39)", () => {
    const { writer } = connectedInMemory().near;
    writer.writeEof();
    for (let round = 0; round < 2; round++) {
      assert.throws(() => writer.write(""), {
        name: "InvalidStateError",
        message: "Cannot call write() after writeEof()",
      });
      assert.throws(() => writer.writeLines([]), {
        name: "InvalidStateError",
        message: "Cannot call writeLines() after writeEof()",
      });
      assert.throws(() => writer.write(7 as never), TypeError);
      assert.throws(() => writer.writeLines([7] as never), { name: "InvalidStateError" });
      writer.close();
    }
  });

  it("write() after close() is dropped, and the next drain() rejects (38)", async () => {
    const { near, far } = connectedInMemory();
    near.writer.write("sent");
    near.writer.close();
    near.writer.write("dropped");
    near.writer.writeLines(["dropped"]);
    await assert.rejects(near.writer.drain(), ConnectionResetError);
    assert.equal((await far.reader.read()).toString(), "sent");
    await near.writer.waitClosed();
    near.writer.write("dropped");
    await assert.rejects(near.writer.drain(), ConnectionResetError);
  });
});

describe("StreamWriter: drain()", () => {
  it("rejects with the reader's exception first, also when closing (45 a)", async () => {
    const { reader, writer } = connectedInMemory().near;
    reader.setException(new RangeError("first"));
    await assert.rejects(writer.drain(), { message: "first" });
    writer.close();
    await assert.rejects(writer.drain(), { message: "first" });
  });

  it("rejects after close(), and after the end (45 b, c)", async () => {
    const { writer } = connectedInMemory().near;
    writer.close();
    const lost = { name: "ConnectionResetError", code: "ECONNRESET", message: "Connection lost" };
    await assert.rejects(writer.drain(), lost);
    await writer.waitClosed();
    await assert.rejects(writer.drain(), lost);
  });

  it("resolves without a turn of the event loop while there is room (45 d)", async () => {
    const { writer } = connectedInMemory().near;
    let hasTurned = false;
    const turn = turns(1).then(() => (hasTurned = true));
    for (let round = 0; round < 10; round++) {
      writer.write("x");
      await writer.drain();
    }
    assert.equal(hasTurned, false);
    await turn;
  });

  it("waits above the high mark until the low one, for any number of callers, first come first (45 e)", async () => {
    const { near, far } = heldConnection();
    const order: number[] = [];
    const sizes = new Set<number>();
    const drains = Array.from({ length: 100 }, async (_, index) => {
      await near.writer.drain();
      order.push(index);
      sizes.add(near.writer.transport.getWriteBufferSize());
    });
    assert.equal(await stateOf(Promise.race(drains)), "pending");
    while (order.length === 0) await far.reader.readExactly(1000);
    await Promise.all(drains);
    assert.deepEqual(order, [...order.keys()]);
    assert.deepEqual([...sizes], [10_000]);
  });

  it("resolves when close() has sent enough", async () => {
    const { near, far } = heldConnection();
    const drain = near.writer.drain();
    near.writer.close();
    assert.equal(await stateOf(drain), "pending");
    await far.reader.read();
    await drain;
  });

  it("resolves when the connection ends without an error (45)", async () => {
    const { writer } = heldConnection().near;
    const drains = [writer.drain(), writer.drain()];
    writer.transport.abort();
    await Promise.all(drains);
    await assert.rejects(writer.drain(), ConnectionResetError);
  });

  it("rejects when the connection is lost with an error, and ever after (45, 53)", async () => {
    const { near, reset } = heldConnection();
    const drains = [near.writer.drain(), near.writer.drain()];
    reset();
    for (const drain of drains) await assert.rejects(drain, ConnectionResetError);
    await assert.rejects(near.writer.drain(), ConnectionResetError);
  });

  it("rejects when the peer just goes away (53)", async () => {
    const { near, far } = heldConnection();
    const drain = near.writer.drain();
    far.writer.transport.abort();
    await assert.rejects(drain, { code: "ECONNRESET" });
  });
});

describe("StreamWriter: the end", () => {
  it("close() is idempotent, returns nothing, and isClosing() is true at once (41)", async () => {
    const { writer } = connectedInMemory().near;
    assert.equal(writer.isClosing(), false);
    assert.equal(writer.close(), undefined);
    assert.equal(writer.isClosing(), true);
    writer.close();
    await writer.waitClosed();
    assert.equal(writer.isClosing(), true);
  });

  it("waitClosed() waits for a close, and for what was written (41, 43)", async () => {
    const { near, far } = heldConnection();
    const closed = near.writer.waitClosed();
    assert.equal(await stateOf(closed), "pending");
    near.writer.close();
    assert.equal(await stateOf(closed), "pending");
    assert.ok((await far.reader.read()).equals(TOO_MUCH));
    await closed;
    await near.writer.waitClosed();
  });

  it("waitClosed() resolves after abort() (42)", async () => {
    const { writer } = heldConnection().near;
    writer.transport.abort();
    await writer.waitClosed();
  });

  it("waitClosed() gives every caller the error of the loss, at any time (43)", async () => {
    const { near, reset } = connectedInMemory();
    const early = [near.writer.waitClosed(), near.writer.waitClosed()];
    reset();
    for (const closed of early) await assert.rejects(closed, ConnectionResetError);
    await assert.rejects(near.writer.waitClosed(), ConnectionResetError);
  });

  it("waitClosed() settles for each caller on its own, also when one gives up (44)", async () => {
    const { writer } = connectedInMemory().near;
    const gaveUp = Promise.race([writer.waitClosed(), Promise.reject(new Error("gave up"))]);
    const patient = writer.waitClosed();
    assert.notEqual(patient, writer.waitClosed());
    await assert.rejects(gaveUp, { message: "gave up" });
    assert.equal(await stateOf(patient), "pending");
    writer.close();
    await patient;
  });

  it("writeEof() ends one direction; reading goes on (40)", async () => {
    const { near, far } = connectedInMemory();
    assert.equal(near.writer.canWriteEof(), true);
    near.writer.write("question");
    near.writer.writeEof();
    near.writer.writeEof();
    assert.equal((await far.reader.read()).toString(), "question");
    far.writer.write("answer");
    assert.equal((await near.reader.read(100)).toString(), "answer");
    assert.equal(near.writer.isClosing(), false);
    near.writer.close();
    near.writer.writeEof();
  });

  it("a pending read gets the end of the stream when we close (33)", async () => {
    const cases: [start: (connection: Connection) => Promise<unknown>, expected: unknown][] = [
      [({ reader }) => reader.read(10), "end"],
      [({ reader }) => reader.read(), "end"],
      [({ reader }) => reader.readLine(), "end"],
      [({ reader }) => reader.readExactly(10), IncompleteReadError],
      [({ reader }) => reader.readUntil("x"), IncompleteReadError],
    ];
    for (const [start, expected] of cases) {
      const { near } = connectedInMemory();
      const pending = start(near);
      near.writer.close();
      if (expected === "end") assert.equal(((await pending) as Buffer).length, 0);
      else await assert.rejects(pending, expected as typeof IncompleteReadError);
    }
  });

  it("what had arrived stays readable after close() (33)", async () => {
    const { near, far } = connectedInMemory();
    far.writer.write("abcdef");
    assert.equal((await near.reader.readExactly(2)).toString(), "ab");
    near.writer.close();
    await near.writer.waitClosed();
    assert.equal((await near.reader.readExactly(2)).toString(), "cd");
    assert.equal((await near.reader.read()).toString(), "ef");
    assert.equal(near.reader.atEof(), true);
  });

  it("transport is what carries the bytes (48)", () => {
    const { writer } = connectedInMemory().near;
    assert.deepEqual(writer.transport.getWriteBufferLimits(), [16_384, 65_536]);
    assert.equal(writer.transport, writer.transport);
  });
});

describe("[Symbol.asyncDispose] of a writer and of a connection", () => {
  const disposables: [string, (connection: Connection) => AsyncDisposable][] = [
    ["writer", ({ writer }) => writer],
    ["connection", (connection) => connection],
  ];
  for (const [name, disposableOf] of disposables) {
    it(`${name}: sends what was written, and waits for the end`, async () => {
      const { near, far } = heldConnection();
      const received = far.reader.read();
      {
        await using _ = disposableOf(near);
      }
      assert.equal(near.writer.isClosing(), true);
      await near.writer.waitClosed();
      assert.ok((await received).equals(TOO_MUCH));
    });

    it(`${name}: does not throw for a lost connection, nor hide the error of its block`, async () => {
      const { near, reset } = connectedInMemory();
      const block = async () => {
        await using _ = disposableOf(near);
        reset();
        await near.reader.read().catch(() => {});
        throw new RangeError("of the block");
      };
      await assert.rejects(block, { name: "RangeError", message: "of the block" });
      await disposableOf(near)[Symbol.asyncDispose]();
    });
  }
});

describe("StreamWriter: send()", () => {
  it("writes and waits for room", async () => {
    const { near, far } = connectedInMemory(1000);
    assert.equal(await near.writer.send("one\n"), undefined);
    await near.writer.send(Buffer.from("two\n"));
    const sent = near.writer.send(TOO_MUCH);
    assert.equal(await stateOf(sent), "pending");
    assert.equal((await far.reader.readExactly(8)).toString(), "one\ntwo\n");
    assert.ok((await far.reader.readExactly(TOO_MUCH.length)).equals(TOO_MUCH));
    await sent;
  });

  it("writes nothing when its signal is aborted already, or its options are wrong", async () => {
    const { near, far } = connectedInMemory();
    const signal = AbortSignal.abort(new RangeError("before"));
    await assert.rejects(near.writer.send("dropped", { signal }), { message: "before" });
    await assert.rejects(near.writer.send("dropped", { timeout: 0 }), RangeError);
    near.writer.close();
    assert.equal((await far.reader.read()).length, 0);
  });

  it("has written when its wait is aborted or timed out, and says so by name", async () => {
    const clock = new VirtualClock();
    const { near, far } = connectedInMemory(1000, { clock });
    const controller = new AbortController();
    const aborted = near.writer.send(TOO_MUCH, { signal: controller.signal });
    const timedOut = near.writer.send("more", { timeout: 50 });
    aborted.catch(() => {});
    timedOut.catch(() => {});
    controller.abort(new RangeError("meanwhile"));
    await clock.advance(50);
    await assert.rejects(aborted, { message: "meanwhile" });
    await assert.rejects(timedOut, {
      name: "TimeoutError",
      message: "send() did not end within 50 ms",
    });
    near.writer.close();
    assert.equal((await far.reader.read()).length, TOO_MUCH.length + 4);
    assert.equal(clock.pending, 0);
  });

  it("rejects after close(), after writeEof(), and when the connection is lost", async () => {
    const closed = connectedInMemory().near.writer;
    closed.close();
    await assert.rejects(closed.send("dropped"), ConnectionResetError);
    const ended = connectedInMemory().near.writer;
    ended.writeEof();
    await assert.rejects(ended.send("x"), { name: "InvalidStateError" });
    const { near, reset } = connectedInMemory();
    const sent = near.writer.send(TOO_MUCH);
    reset();
    await assert.rejects(sent, ConnectionResetError);
  });
});

describe("StreamWriter: flush()", () => {
  it("resolves when everything is with the kernel, not only below the low mark", async () => {
    const { near, far } = heldConnection();
    const flushes = [near.writer.flush(), near.writer.flush()];
    const drain = near.writer.drain();
    // All but the 10 000 bytes that are below the low mark.
    await far.reader.readExactly(TOO_MUCH.length - 65_536 - 20_000);
    await drain;
    for (const flush of flushes) assert.equal(await stateOf(flush), "pending");
    assert.ok(near.writer.transport.getWriteBufferSize() > 0);
    await far.reader.readExactly(50_000);
    await Promise.all(flushes);
    assert.equal(near.writer.transport.getWriteBufferSize(), 0);
  });

  it("resolves at once when nothing is buffered, and again for each write", async () => {
    const { near } = connectedInMemory();
    await near.writer.flush();
    for (let round = 0; round < 3; round++) {
      near.writer.write("x");
      await near.writer.flush();
      assert.equal(near.writer.transport.getWriteBufferSize(), 0);
    }
  });

  it("goes on when close() or writeEof() is called, and resolves when all was sent", async () => {
    for (const end of ["close", "writeEof"] as const) {
      const { near, far } = heldConnection();
      const flush = near.writer.flush();
      near.writer[end]();
      assert.equal(await stateOf(flush), "pending");
      assert.equal((await far.reader.read()).length, TOO_MUCH.length);
      await flush;
    }
  });

  it("rejects after close()", async () => {
    const { near, far } = heldConnection();
    near.writer.close();
    await assert.rejects(near.writer.flush(), { name: "ConnectionResetError", message: "Connection lost" });
    await far.reader.read();
    await near.writer.waitClosed();
    await assert.rejects(near.writer.flush(), ConnectionResetError);
  });

  const losses: readonly [string, (pair: ReturnType<typeof heldConnection>) => unknown, code: string][] = [
    ["abort()", ({ near }) => near.writer.transport.abort(), "ECONNRESET"],
    ["transport.reset()", ({ near }) => near.writer.transport.reset(), "ECONNRESET"],
    [
      "close() and then abort()",
      ({ near }) => (near.writer.close(), near.writer.transport.abort()),
      "ECONNRESET",
    ],
    ["a reset by the peer", ({ reset }) => reset(), "ECONNRESET"],
    ["the peer's end, with bytes unread", ({ far }) => far.writer.transport.abort(), "ECONNRESET"],
  ];
  for (const [what, lose, code] of losses) {
    it(`rejects when bytes are dropped by ${what}`, async () => {
      const pair = heldConnection();
      const flushes = [pair.near.writer.flush(), pair.near.writer.flush()];
      lose(pair);
      for (const flush of flushes) await assert.rejects(flush, { code });
      await assert.rejects(pair.near.writer.flush(), { code: /ECONNRESET|EPIPE/ });
    });
  }

  it("rejects with what the reader was told first, and at its bounds; sending goes on", async () => {
    const clock = new VirtualClock();
    const { near, far } = connectedInMemory(1000, { clock });
    near.writer.write(TOO_MUCH);
    const flush = near.writer.flush({ timeout: 10 });
    flush.catch(() => {});
    await clock.advance(10);
    await assert.rejects(flush, { name: "TimeoutError", message: "flush() did not end within 10 ms" });
    assert.equal(clock.pending, 0);
    await far.reader.readExactly(TOO_MUCH.length);
    near.reader.setException(new RangeError("told"));
    await assert.rejects(near.writer.flush(), { message: "told" });
  });
});

describe("StreamWriter: close({ timeout })", () => {
  function heldWithClock() {
    const clock = new VirtualClock();
    const pair = connectedInMemory(1000, { clock });
    pair.near.writer.write(TOO_MUCH);
    return { clock, ...pair };
  }

  it("returns nothing, sends what was written, and leaves no timer", async () => {
    const { clock, near, far } = heldWithClock();
    assert.equal(near.writer.close({ timeout: 1000 }), undefined);
    assert.equal(clock.pending, 1);
    assert.equal((await far.reader.read()).length, TOO_MUCH.length);
    await near.writer.waitClosed();
    assert.equal(clock.pending, 0);
    near.writer.close({ timeout: 1000 });
    await turns(1);
    assert.equal(clock.pending, 0);
  });

  it("aborts at the limit, and waitClosed() resolves as after abort()", async () => {
    const { clock, near } = heldWithClock();
    const flush = near.writer.flush();
    flush.catch(() => {});
    near.writer.close({ timeout: 1000 });
    await clock.advance(999);
    const closed = near.writer.waitClosed();
    assert.equal(await stateOf(closed), "pending");
    await clock.advance(1);
    await closed;
    await assert.rejects(flush, ConnectionResetError);
    assert.equal(clock.pending, 0);
  });

  const orders: readonly [string, readonly (number | undefined)[], number][] = [
    ["a later limit", [1000, 5000], 1000],
    ["an earlier limit", [5000, 1000], 1000],
    ["no limit after one", [1000, undefined], 1000],
    ["a limit after none", [undefined, 1000], 1000],
  ];
  for (const [what, timeouts, limit] of orders) {
    it(`called again with ${what}: the earlier one holds`, async () => {
      const { clock, near } = heldWithClock();
      for (const timeout of timeouts) near.writer.close(timeout === undefined ? undefined : { timeout });
      assert.equal(clock.pending, 1);
      await clock.advance(limit - 1);
      assert.equal(await stateOf(near.writer.waitClosed()), "pending");
      await clock.advance(1);
      await near.writer.waitClosed();
    });
  }

  it("refuses wrong options, and the connection goes on", () => {
    const { near } = heldWithClock();
    assert.throws(() => near.writer.close({ timeout: 0 }), {
      name: "RangeError",
      message: /^timeout must be/,
    });
    const message = 'close() got an unexpected option "timeOut"';
    assert.throws(() => near.writer.close({ timeOut: 1 } as never), { name: "TypeError", message });
    assert.equal(near.writer.isClosing(), false);
  });

  it("[Symbol.asyncDispose] has the limit of 30 s, or the earlier one of close()", async () => {
    for (const [timeout, limit] of [
      [undefined, 30_000],
      [60_000, 30_000],
      [1000, 1000],
    ] as const) {
      const { clock, near } = heldWithClock();
      if (timeout !== undefined) near.writer.close({ timeout });
      const disposed = near.writer[Symbol.asyncDispose]();
      await clock.advance(limit - 1);
      assert.equal(await stateOf(disposed), "pending");
      await clock.advance(1);
      await disposed;
      await near.writer.waitClosed();
      assert.equal(clock.pending, 0);
    }
  });
});

describe("a Connection", () => {
  it("is a frozen pair with names, and no subclass of Array", () => {
    const { near } = connectedInMemory();
    const [reader, writer] = near;
    assert.equal(near.length, 2);
    assert.equal(near.reader, reader);
    assert.equal(near.writer, writer);
    assert.ok(Object.isFrozen(near));
    assert.equal(Object.getPrototypeOf(near), Array.prototype);
    assert.deepEqual(Object.keys(near), ["0", "1"]);
    assert.throws(() => (near as unknown as unknown[]).push(1), TypeError);
  });
});

describe("StreamWriter: getExtraInfo()", () => {
  const cleanup = cleanups();

  /** The client's and the server's writer of one connection. */
  async function writersOver(kind: "127.0.0.1" | "::1" | "unix") {
    let accepted: (writer: StreamWriter) => void;
    const server = new Promise<StreamWriter>((resolve) => (accepted = resolve));
    const serve = (_: unknown, writer: StreamWriter) => accepted(writer);
    const path = join(await temporaryFolder(cleanup), "s");
    const listening = await (kind === "unix" ? startUnixServer(serve, path) : startServer(serve, kind, 0));
    cleanup(() => listening[Symbol.asyncDispose]());
    const { writer } = await (kind === "unix"
      ? openUnixConnection(path)
      : openConnection(kind, portOf(listening)));
    cleanup(() => writer[Symbol.asyncDispose]());
    const accepting = await server;
    cleanup(() => accepting[Symbol.asyncDispose]());
    return { client: writer, server: accepting, listening, path };
  }

  for (const host of ["127.0.0.1", "::1"] as const) {
    it(`tells peername, sockname and socket over ${host}, also after close() (47)`, async () => {
      const { client, server, listening } = await writersOver(host);
      const sockname = client.getExtraInfo("sockname") as readonly [string, number];
      const rest = host === "::1" ? [0, 0] : [];
      assert.deepEqual(client.getExtraInfo("peername"), [host, portOf(listening), ...rest]);
      assert.deepEqual(sockname, [host, sockname[1], ...rest]);
      assert.ok(sockname[1] > 0);
      assert.deepEqual(server.getExtraInfo("peername"), sockname);
      assert.deepEqual(server.getExtraInfo("sockname"), client.getExtraInfo("peername"));
      client.close();
      await client.waitClosed();
      const socket: TransportSocket | undefined = client.getExtraInfo("socket");
      assert.equal(socket!.family, host === "::1" ? "IPv6" : "IPv4");
      assert.deepEqual(socket!.getsockname(), sockname);
      assert.deepEqual(socket!.getpeername(), client.getExtraInfo("peername"));
      socket!.setKeepAlive(true, 1000);
      socket!.setNoDelay(false);
      socket!.unref();
      socket!.ref();
    });
  }

  it("over a Unix socket tells the path on the side that has it, and '' on the other (47)", async () => {
    const { client, server, path } = await writersOver("unix");
    assert.equal(client.getExtraInfo("peername"), path);
    assert.equal(client.getExtraInfo("sockname"), "");
    assert.equal(server.getExtraInfo("peername"), "");
    assert.equal(server.getExtraInfo("sockname"), path);
    assert.equal(server.getExtraInfo("socket")!.family, "Unix");
    assert.equal(server.getExtraInfo("peername", "other"), "");
  });

  it("gives the default for what is not known (47)", () => {
    const { writer } = connectedInMemory().near;
    const typed: SocketAddress | 7 = writer.getExtraInfo("peername", 7);
    assert.notEqual(typed, 7);
    assert.equal(writer.getExtraInfo("sslcontext"), undefined);
    assert.equal(writer.getExtraInfo("sslcontext", "none"), "none");
    assert.equal(writer.getExtraInfo("toString", "none"), "none");
    assert.throws(() => writer.getExtraInfo(7 as never), TypeError);
  });
});

describe("StreamWriter over sockets: how bytes leave", () => {
  const cleanup = cleanups();

  /** A connection over a socket of which each call that reaches the system is counted. */
  async function countedConnection() {
    let finish!: (bytes: Buffer) => void;
    const ended = new Promise<Buffer>((resolve) => (finish = resolve));
    const server = await startServer(async (reader) => finish(await reader.read()), "127.0.0.1", 0);
    cleanup(() => server[Symbol.asyncDispose]());
    const sock = connect({ host: "127.0.0.1", port: portOf(server) });
    await once(sock, "connect");
    const counts = countCalls(sock);
    const connection = await openConnection({ sock });
    cleanup(() => connection[Symbol.asyncDispose]());
    return { connection, counts, ended };
  }

  it("writes of one tick leave in one call, also with resolved awaits in between", async () => {
    const { connection, counts, ended } = await countedConnection();
    const { writer } = connection;
    let expected = "";
    for (let line = 0; line < 200; line++) {
      writer.write(`line ${line}\n`);
      expected += `line ${line}\n`;
      if (line % 2 === 0) await writer.drain();
    }
    writer.writeLines(["a", "b"]);
    assert.equal(counts.calls, 0);
    assert.equal(writer.transport.getWriteBufferSize(), Buffer.byteLength(`${expected}ab`));
    await turns(1);
    assert.equal(counts.calls, 1);
    writer.write(patternBytes(5000));
    writer.write("small");
    writer.write(patternBytes(3000));
    writer.close();
    await writer.waitClosed();
    assert.equal(counts.calls, 2);
    const parts = [
      Buffer.from(`${expected}ab`),
      patternBytes(5000),
      Buffer.from("small"),
      patternBytes(3000),
    ];
    assert.ok((await ended).equals(Buffer.concat(parts)));
  });

  it("a buffer of up to 2 048 bytes is copied; a larger one goes by reference", async () => {
    const { connection, ended } = await countedConnection();
    const small = Buffer.alloc(2048, "a");
    const large = Buffer.alloc(2049, "a");
    connection.writer.write(small);
    connection.writer.write(large);
    small.fill("b");
    large.fill("b");
    connection.writer.close();
    assert.equal((await ended).toString(), "a".repeat(2048) + "b".repeat(2049));
  });

  it("flush() also waits for what was written to the socket before it was taken over", async () => {
    const bytes = patternBytes(16_000_000);
    for (const ends of [false, true]) {
      const { connection, peer } = await connectedToSocket(cleanup, "tcp", (sock) => {
        sock.write(bytes);
        if (ends) sock.end();
      });
      const flush = connection.writer.flush();
      assert.equal(await stateOf(flush), "pending");
      let size = 0;
      peer.on("data", (chunk: Buffer) => (size += chunk.length)).resume();
      await flush;
      assert.equal(connection.writer.transport.getWriteBufferSize(), 0);
      while (size < bytes.length) await turns(1);
    }
  });

  it("getWriteBufferSize() shows how far the kernel is with one large write", async () => {
    const { connection, peer } = await connectedToSocket(cleanup);
    const { transport } = connection.writer;
    const size = 32_000_000;
    const sizes = new Set<number>();
    connection.writer.write(Buffer.alloc(size));
    const drained = new AbortController();
    void connection.writer.drain().then(() => drained.abort());
    while (!drained.signal.aborted) {
      peer.read();
      await turns(1);
      sizes.add(transport.getWriteBufferSize());
    }
    assert.ok(sizes.size > 3, `only ${[...sizes].join(", ")}`);
    assert.ok([...sizes].every((left, index, all) => index === 0 || left < all[index - 1]!));
    peer.resume();
  });

  it("TCP_NODELAY is on (50)", async () => {
    const { counts } = await countedConnection();
    assert.deepEqual(counts.noDelay, [true]);
  });
});
