import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import {
  ConnectionError,
  ConnectionResetError,
  IdleTimeoutError,
  InvalidStateError,
  relay,
  TimeoutError,
  type Connection,
  type RelayOptions,
  type StreamReader,
} from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { patternBytes } from "../support/bytes.js";
import { connectedInMemory } from "../support/connections.js";
import { isPending, settleDown } from "../support/pending.js";

/** Of the readers: small, so that little is enough to fill them. */
const LIMIT = 1_000;
/** More than all buffers between two ends of a relay hold. */
const TOO_MUCH = patternBytes(1_000_000);

/** A client, connected with `a`, and a server, connected with `b`: the relay stands between them. */
function setUp(clock = new VirtualClock()) {
  const left = connectedInMemory(LIMIT, { clock });
  const right = connectedInMemory(LIMIT, { clock });
  return {
    clock,
    client: left.far,
    a: left.near,
    b: right.near,
    server: right.far,
    resetClient: left.reset,
    resetServer: right.reset,
  };
}

/** … with the relay at work. */
function relayed(options?: RelayOptions) {
  const parts = setUp();
  const result = relay(parts.a, parts.b, options);
  // Tests look at it late.
  result.catch(() => {});
  return { ...parts, result };
}

type Parts = ReturnType<typeof relayed>;

/** Each direction, seen from the end that sends. */
const DIRECTIONS = [
  {
    name: "aToB",
    sender: (parts: Parts) => parts.client,
    receiver: (parts: Parts) => parts.server,
    resetSender: (parts: Parts) => parts.resetClient(),
    resetReceiver: (parts: Parts) => parts.resetServer(),
  },
  {
    name: "bToA",
    sender: (parts: Parts) => parts.server,
    receiver: (parts: Parts) => parts.client,
    resetSender: (parts: Parts) => parts.resetServer(),
    resetReceiver: (parts: Parts) => parts.resetClient(),
  },
] as const;

async function assertClosed({ a, b, clock }: Parts): Promise<void> {
  for (const { writer } of [a, b]) {
    assert.ok(writer.isClosing());
    await writer.waitClosed().catch(() => {});
  }
  assert.equal(clock.pending, 0, "timers are left");
}

/** Closes both outer ends and waits for the relay. */
async function finish({ client, server, result }: Parts) {
  client.writer.writeEof();
  server.writer.writeEof();
  return result;
}

async function readRest(reader: StreamReader): Promise<string> {
  return (await reader.read()).toString();
}

describe("relay()", () => {
  it("passes on both directions at once, returns the bytes of each, and closes both", async () => {
    const passed: [string, number][] = [];
    const parts = relayed({ onBytes: (direction, bytes) => passed.push([direction, bytes]) });
    const { client, server, result } = parts;
    client.writer.write("ping");
    assert.equal((await server.reader.readExactly(4)).toString(), "ping");
    server.writer.write("pong!");
    assert.equal((await client.reader.readExactly(5)).toString(), "pong!");
    client.writer.write("bye");
    await finish(parts);
    assert.equal(await readRest(server.reader), "bye");
    assert.deepEqual(await result, { aToB: 7, bToA: 5 });
    assert.deepEqual(passed, [
      ["aToB", 4],
      ["bToA", 5],
      ["aToB", 3],
    ]);
    await assertClosed(parts);
  });

  it("takes any object with the reader and the writer of a connection, as a server's callback has them", async () => {
    const { a, b, client, server } = setUp();
    const result = relay({ reader: a.reader, writer: a.writer }, { reader: b.reader, writer: b.writer });
    client.writer.write("ping");
    client.writer.close();
    assert.equal(await readRest(server.reader), "ping");
    server.writer.close();
    assert.deepEqual(await result, { aToB: 4, bToA: 0 });
  });

  it("passes on first what the readers have buffered, also behind the end", async () => {
    const parts = setUp();
    const { a, b, client, server } = parts;
    client.writer.write("first line\nsecond");
    client.writer.writeEof();
    server.writer.write("hello");
    await a.reader.readLine();
    await settleDown();
    a.reader.unread("again\n");
    const result = relay(a, b);
    assert.equal(await readRest(server.reader), "again\nsecond");
    server.writer.close();
    assert.equal(await readRest(client.reader), "hello");
    assert.deepEqual(await result, { aToB: 12, bToA: 5 });
  });

  for (const { name, sender, receiver } of DIRECTIONS) {
    it(`passes on the end of ${name} behind its bytes, and the other direction goes on`, async () => {
      const parts = relayed();
      const [ended, open] = [sender(parts), receiver(parts)];
      ended.writer.write("question");
      ended.writer.writeEof();
      assert.equal(await readRest(open.reader), "question");
      for (const answer of ["one", "two"]) {
        open.writer.write(answer);
        assert.equal((await ended.reader.readExactly(3)).toString(), answer);
      }
      assert.ok(await isPending(parts.result));
      open.writer.writeEof();
      assert.equal(await readRest(ended.reader), "");
      assert.deepEqual(await parts.result, name === "aToB" ? { aToB: 8, bToA: 6 } : { aToB: 6, bToA: 8 });
      await assertClosed(parts);
    });

    it(`does not read ${name} faster than it is taken, while the other direction goes on`, async () => {
      let bytes = 0;
      const parts = relayed({ onBytes: (direction, size) => (bytes += direction === name ? size : 0) });
      const [fast, slow] = [sender(parts), receiver(parts)];
      slow.writer.transport.pauseReading();
      fast.writer.write(TOO_MUCH);
      fast.writer.writeEof();
      await settleDown();
      const passed = bytes;
      assert.ok(passed < TOO_MUCH.length / 3, `${passed} bytes were passed on`);
      for (let count = 0; count < 100; count++) {
        slow.writer.write("x".repeat(10_000));
        assert.equal((await fast.reader.readExactly(10_000)).length, 10_000);
      }
      assert.equal(bytes, passed);
      slow.writer.transport.resumeReading();
      assert.ok((await slow.reader.read()).equals(TOO_MUCH));
      slow.writer.close();
      await parts.result;
    });

    it(`delivers what ${name} had sent before a reset, then rejects with the error`, async () => {
      const parts = relayed();
      const [lost, other] = [sender(parts), receiver(parts)];
      other.writer.transport.pauseReading();
      const sent = TOO_MUCH.subarray(0, 100_000);
      lost.writer.write(sent);
      while (lost.writer.transport.getWriteBufferSize() > 0) await settleDown();
      DIRECTIONS.find((direction) => direction.name === name)!.resetSender(parts);
      assert.ok(await isPending(parts.result));
      other.writer.transport.resumeReading();
      assert.ok((await other.reader.read()).equals(sent));
      await assert.rejects(parts.result, ConnectionResetError);
      await assertClosed(parts);
    });

    it(`rejects with the error of an end that is lost while it does not take ${name}, and keeps what that had sent`, async () => {
      const parts = relayed();
      const [fast, stuck] = [sender(parts), receiver(parts)];
      stuck.writer.write("last words");
      stuck.writer.transport.pauseReading();
      fast.writer.write(TOO_MUCH);
      await settleDown();
      DIRECTIONS.find((direction) => direction.name === name)!.resetReceiver(parts);
      assert.equal((await fast.reader.readExactly(10)).toString(), "last words");
      await assert.rejects(parts.result, ConnectionError);
      await assertClosed(parts);
    });

    it(`ends when the end that takes ${name} is lost after its own end, though nothing more is sent`, async () => {
      const parts = relayed();
      const receiving = receiver(parts);
      receiving.writer.writeEof();
      assert.equal(await readRest(sender(parts).reader), "");
      const { writer } = name === "aToB" ? parts.b : parts.a;
      writer.transport.abort();
      await parts.result;
      await assertClosed(parts);
    });
  }

  it("keeps what a lost end had sent also when the other end is slow to take it", async () => {
    const parts = relayed();
    const { client, server, resetServer, result } = parts;
    client.writer.transport.pauseReading();
    stuffServer(parts);
    server.writer.write(TOO_MUCH.subarray(0, 400_000));
    await settleDown();
    const sent = TOO_MUCH.subarray(0, 400_000 - server.writer.transport.getWriteBufferSize());
    resetServer();
    await assert.rejects(parts.b.writer.waitClosed(), ConnectionResetError);
    assert.ok(await isPending(result));
    client.writer.transport.resumeReading();
    assert.ok((await client.reader.readExactly(sent.length)).equals(sent));
    await assert.rejects(result, ConnectionResetError);
    await assertClosed(parts);
  });

  for (const [when, prepare] of [
    ["before", ({ client }) => client.writer.write("lost")],
    ["while it waits for room for the last chunk", fillB],
    [
      "in the same tick",
      ({ a, b }) => void b.writer.waitClosed().then(() => a.reader.feedData(Buffer.from("lost"))),
    ],
  ] as [string, (parts: Parts) => unknown][]) {
    it(`rejects when bytes come for a connection that was closed: ${when}`, async () => {
      const parts = relayed();
      parts.server.writer.writeEof();
      await settleDown();
      await prepare(parts);
      parts.b.writer.transport.abort();
      await assert.rejects(parts.result, { name: "ConnectionResetError", message: "Connection lost" });
      await assertClosed(parts);
    });
  }

  it("resolves when one connection was closed meanwhile, and nothing came for it", async () => {
    const parts = relayed();
    parts.b.writer.transport.abort();
    assert.deepEqual(await parts.result, { aToB: 0, bToA: 0 });
    await assertClosed(parts);
  });

  it("rejects with InvalidStateError for bytes to an end whose output had ended before, and closes both", async () => {
    const parts = setUp();
    parts.b.writer.writeEof();
    const result = relay(parts.a, parts.b);
    parts.client.writer.write("late");
    await assert.rejects(result, InvalidStateError);
    await assertClosed({ ...parts, result });
  });

  it("rejects with what onBytes throws, after that chunk was sent, and closes both", async () => {
    const parts = relayed({
      onBytes() {
        throw new RangeError("quota");
      },
    });
    parts.client.writer.write("one");
    await assert.rejects(parts.result, { name: "RangeError", message: "quota" });
    assert.equal(await readRest(parts.server.reader), "one");
    assert.equal(await readRest(parts.client.reader), "");
    await assertClosed(parts);
  });

  it("an onBytes that throws for one direction stops the other one too, in the middle of its bytes", async () => {
    const parts = relayed({
      onBytes(direction) {
        if (direction === "bToA") throw new RangeError("quota");
      },
    });
    stuffServer(parts);
    await settleDown();
    parts.server.writer.write("x");
    await settleDown();
    parts.server.writer.transport.resumeReading();
    const received = await parts.server.reader.read();
    assert.ok(received.length < TOO_MUCH.length / 2, `${received.length} bytes came`);
    assert.ok(received.equals(TOO_MUCH.subarray(0, received.length)));
    await assert.rejects(parts.result, RangeError);
    await assertClosed(parts);
  });
});

describe("relay(): bounds", () => {
  it("an abort() of the signal aborts both, whatever waits, and rejects with its reason; no listener is left", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    for (const [wait, prepare] of [
      ["both reads", () => {}],
      ["drain()", stuffServer],
      ["the flush at the end", stuffBothAndEnd],
    ] as const) {
      const own = new AbortController();
      const parts = relayed({ signal: wait === "both reads" ? signal : own.signal });
      prepare(parts);
      assert.ok(await isPending(parts.result), wait);
      (wait === "both reads" ? controller : own).abort("enough");
      await assert.rejects(parts.result, (reason) => reason === "enough", wait);
      for (const given of [signal, own.signal]) assert.equal(getEventListeners(given, "abort").length, 0);
      await assertClosed(parts);
    }
    const parts = relayed({ signal });
    parts.client.writer.write("late");
    await assert.rejects(parts.result, (reason) => reason === "enough", "aborted before");
    assert.equal(await readRest(parts.server.reader), "");
    await assertClosed(parts);
  });

  it("a timeout bounds all of it, and aborts both", async () => {
    const parts = relayed({ timeout: 5_000 });
    stuffServer(parts);
    await parts.clock.advance(4_999);
    assert.ok(await isPending(parts.result));
    await parts.clock.advance(1);
    await assert.rejects(parts.result, {
      name: "TimeoutError",
      message: "relay() did not end within 5000 ms",
    });
    await assertClosed(parts);
  });

  it("idle ends it so long after the last byte of either direction", async () => {
    const parts = relayed({ idle: 1_000 });
    const { client, server, clock, result } = parts;
    for (const { writer } of [client, server, client]) {
      await clock.advance(999);
      writer.write("x");
      await settleDown();
    }
    await clock.advance(999);
    assert.ok(await isPending(result));
    await clock.advance(1);
    await assert.rejects(result, (error) => {
      assert.ok(error instanceof IdleTimeoutError && error instanceof TimeoutError);
      assert.equal(error.timeout, 1_000);
      return /1000 ms/.test(error.message);
    });
    await assertClosed(parts);
  });

  it("idle does not end it while a slow peer takes what was written, and ends it when that stops", async () => {
    const parts = relayed({ idle: 1_000 });
    const { b, server, clock, result } = parts;
    b.writer.transport.setWriteBufferLimits({ high: 400_000, low: 0 });
    stuffServer(parts);
    await settleDown();
    server.writer.transport.resumeReading();
    for (let round = 0; round < 4; round++) {
      await clock.advance(900);
      const before = b.writer.transport.getWriteBufferSize();
      await server.reader.readExactly(65_536);
      await settleDown();
      assert.ok(b.writer.transport.getWriteBufferSize() < before, "nothing was taken");
    }
    assert.ok(await isPending(result));
    await clock.advance(2_000);
    await assert.rejects(result, IdleTimeoutError);
    await assertClosed(parts);
  });

  it("a peer that takes nothing is aborted after 30 s, or idle if that is less, once there is nothing else to wait for", async () => {
    for (const [options, limit] of [
      [{}, 30_000],
      [{ idle: 2_000 }, 2_000],
      [{ idle: 60_000 }, 30_000],
    ] as const) {
      const ended = relayed(options);
      stuffBothAndEnd(ended);
      await settleDown();
      await ended.clock.advance(limit - 1);
      assert.ok(await isPending(ended.result));
      await ended.clock.advance(1);
      const message = `relay() could not end: nothing moved for ${limit} ms`;
      await assert.rejects(ended.result, { name: "TimeoutError", message });
      await assertClosed(ended);

      const lost = relayed(options);
      await fillB(lost);
      lost.resetClient();
      await assert.rejects(lost.a.writer.waitClosed(), ConnectionResetError);
      await lost.clock.advance(limit - 1);
      assert.ok(await isPending(lost.result));
      await lost.clock.advance(1);
      await assert.rejects(lost.result, ConnectionResetError);
      await assertClosed(lost);
    }
  });
});

/** More than it takes, since it does not read. */
function stuffServer({ client, server }: Parts): void {
  server.writer.transport.pauseReading();
  client.writer.write(TOO_MUCH);
}

/** … and all of it is taken from `a`: of a reset behind what it does not read, no system tells. */
async function fillB({ client, server }: Parts): Promise<void> {
  server.writer.transport.pauseReading();
  client.writer.write(TOO_MUCH.subarray(0, 4 * 65_536));
  await settleDown();
}

/** Both outer ends have sent all and ended, the server takes nothing: what is left is in the output of `b`. */
function stuffBothAndEnd({ client, server }: Parts): void {
  server.writer.transport.pauseReading();
  client.writer.write(TOO_MUCH.subarray(0, 120_000));
  client.writer.writeEof();
  server.writer.writeEof();
}

describe("relay(): before it begins", () => {
  it("wrong arguments are TypeError or RangeError with the value, and touch nothing", async () => {
    const { a, b, client, server } = setUp();
    const wrong: [unknown, unknown, unknown, RegExp][] = [
      [undefined, b, {}, /^TypeError: a must be a connection, .* not undefined$/],
      [a, 7, {}, /^TypeError: b must be a connection, .* not number 7$/],
      [a, a.writer, {}, /^TypeError: b must be a connection, .* not an instance of StreamWriter$/],
      [a, { reader: b.reader }, {}, /^TypeError: b must be a connection/],
      [
        { reader: a.reader, writer: b.writer },
        b,
        {},
        /^TypeError: a must be a connection, not the reader of one/,
      ],
      [a, a, {}, /^TypeError: relay\(\) takes two connections/],
      [a, { reader: a.reader, writer: a.writer }, {}, /^TypeError: relay\(\) takes two connections/],
      [a, b, 5, /^TypeError: relay\(\) options must be an object, not number 5$/],
      [a, b, { grace: 1 }, /^TypeError: relay\(\) got an unexpected option "grace"$/],
      [a, b, { signal: {} }, /^TypeError: signal must be an AbortSignal/],
      [a, b, { timeout: 0 }, /^RangeError: timeout .* got 0$/],
      [a, b, { idle: -1 }, /^RangeError: idle .* got -1$/],
      [a, b, { idle: "1" }, /^TypeError: idle must be a number of milliseconds, not string "1"$/],
      [a, b, { onBytes: 1 }, /^TypeError: onBytes must be a function, not number 1$/],
    ];
    for (const [first, second, options, message] of wrong) {
      await assert.rejects(
        relay(first as Connection, second as Connection, options as RelayOptions),
        (error) => message.test(String(error)),
      );
    }
    client.writer.write("a\n");
    server.writer.write("b\n");
    assert.equal((await a.reader.readLine()).toString(), "a\n");
    assert.equal((await b.reader.readLine()).toString(), "b\n");
  });

  it("a pending read, a startTls() and another relay are InvalidStateError, and touch nothing", async () => {
    const { a, b, client, server } = setUp();
    const waiting = b.reader.readLine();
    for (const ends of [[a, b] as const, [b, a] as const]) {
      await assert.rejects(relay(...ends), {
        name: "InvalidStateError",
        message: "relay() called while a read is waiting for incoming data",
      });
    }
    server.writer.write("line\n");
    assert.equal((await waiting).toString(), "line\n");

    const upgrade = b.writer.startTls(true, { serverHostname: "" });
    await assert.rejects(relay(a, b), { message: "relay() called during startTls()" });
    server.writer.transport.abort();
    await assert.rejects(upgrade);

    const other = setUp();
    const first = relay(a, other.a);
    await assert.rejects(relay(other.b, a), { message: "relay() called during relay()" });
    client.writer.write("ping");
    assert.equal((await other.client.reader.readExactly(4)).toString(), "ping");
    client.writer.close();
    other.client.writer.close();
    await first;
  });

  it("nobody else can read from the two while it runs; what is left can be read afterwards", async () => {
    const { a, b, client, result } = relayed({
      onBytes() {
        client.writer.write("more");
        throw new Error("stop");
      },
    });
    await assert.rejects(a.reader.read(1), { message: "read() called during relay()" });
    assert.throws(() => b.reader.tryReadLine(), { message: "tryReadLine() called during relay()" });
    assert.throws(() => b.reader.unread("x"), { message: "unread() called during relay()" });
    await assert.rejects(b.writer.startTls(true, { serverHostname: "" }), {
      message: "startTls() called during relay()",
    });
    client.writer.write("some");
    await assert.rejects(result, { message: "stop" });
    assert.match((await a.reader.read()).toString(), /^(more)?$/);
  });
});

describe("relay(): at every state, whatever happens", () => {
  const states: Record<string, (parts: Parts) => unknown> = {
    "at the start": () => {},
    "when both wait": () => settleDown(),
    "in the middle of bytes": ({ client, server }) => {
      client.writer.write(TOO_MUCH);
      server.writer.write(TOO_MUCH);
    },
    "when a has ended": async ({ client }) => {
      client.writer.writeEof();
      await settleDown();
    },
    "when b has ended, and a is not taken": async (parts) => {
      stuffServer(parts);
      parts.server.writer.writeEof();
      await settleDown();
    },
    "when b is not taken either": async (parts) => {
      stuffServer(parts);
      parts.client.writer.transport.pauseReading();
      parts.server.writer.write(TOO_MUCH);
      await settleDown();
    },
    "when both have ended, and b is not flushed": async (parts) => {
      stuffBothAndEnd(parts);
      await settleDown();
    },
  };
  const events: Record<string, (parts: Parts, controller: AbortController) => void> = {
    "a is reset": ({ resetClient }) => resetClient(),
    "b is reset": ({ resetServer }) => resetServer(),
    "both are reset": ({ resetClient, resetServer }) => {
      resetClient();
      resetServer();
    },
    "the client closes": ({ client }) => client.writer.close(),
    "a is closed": ({ a }) => a.writer.close(),
    "b is aborted": ({ b }) => b.writer.transport.abort(),
    "it is aborted": (_parts, controller) => controller.abort(new Error("enough")),
    "it is aborted when a was reset": ({ resetClient }, controller) => {
      resetClient();
      controller.abort(new Error("enough"));
    },
    "nothing moves for 60 s": () => {},
  };
  for (const [state, prepare] of Object.entries(states)) {
    for (const [event, happen] of Object.entries(events)) {
      it(`${state}, ${event}: it settles, both are closed, and no timer, listener or lock is left`, async () => {
        const controller = new AbortController();
        const parts = relayed({ signal: controller.signal, idle: 20_000 });
        await prepare(parts);
        happen(parts, controller);
        await parts.clock.advance(60_000);
        const expected = [ConnectionError, TimeoutError];
        await parts.result.catch((error: Error) => {
          assert.ok(
            expected.some((kind) => error instanceof kind) || error.message === "enough",
            String(error),
          );
        });
        assert.ok(!(await isPending(parts.result)));
        await assertClosed(parts);
        assert.equal(getEventListeners(controller.signal, "abort").length, 0);
        for (const { reader } of [parts.a, parts.b])
          await reader.read(1).catch((error: Error) => {
            assert.ok(!(error instanceof InvalidStateError));
          });
      });
    }
  }
});
