/** What bounds a read: a signal, a timeout. The same for all of them. */
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { describe, it } from "node:test";
import { frames, lengthPrefixed, readFrame, StreamReader, type WaitOptions } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { isPending } from "../support/turns.js";

const FRAME = lengthPrefixed({ bytes: 1 });

/** A kind of read, as one that waits with `has` in the buffer and gets what it wants by `comes`. */
interface Kind {
  /** As errors name it. */
  readonly method: string;
  readonly read: (reader: StreamReader, options?: WaitOptions) => Promise<unknown>;
  readonly has: string;
  readonly comes: string;
  /** What is left then. */
  readonly leaves: string;
}

function kind(
  method: string,
  read: Kind["read"],
  has: string,
  comes: string,
  leaves: string,
): Kind & { readonly title: string } {
  return { title: `${method}() of ${JSON.stringify(has)}`, method, read, has, comes, leaves };
}

const view = () => new Uint8Array(4);
const KINDS = [
  kind("read", (reader, options) => reader.read(4, options), "", "abcdef", "ef"),
  kind("readExactly", (reader, options) => reader.readExactly(6, options), "abc", "defg", "g"),
  kind("readUntil", (reader, options) => reader.readUntil([";", "--"], options), "ab-", "-c", "c"),
  kind("readLine", (reader, options) => reader.readLine(options), "abc", "d\ne", "e"),
  kind("readInto", (reader, options) => reader.readInto(view(), options), "", "abcdef", "ef"),
  kind("discard", (reader, options) => reader.discard(6, options), "abc", "defg", "g"),
  kind("peek", (reader, options) => reader.peek(4, options), "", "abcdef", "abcdef"),
  kind("peekExactly", (reader, options) => reader.peekExactly(4, options), "abc", "def", "abcdef"),
  kind("lines", (reader, options) => reader.lines({ ...options }).next(), "abc", "d\ne", "e"),
  kind(
    "lines",
    (reader, options) => reader.lines({ eol: "crlf-strict", batches: true, ...options }).next(),
    "abc\r",
    "\nd\r\ne",
    "e",
  ),
  kind("chunks", (reader, options) => reader.chunks(options).next(), "", "abcdef", ""),
  kind("readFrame", (reader, options) => readFrame(reader, FRAME, options), "\x04ab", "cdef", "ef"),
  kind("frames", (reader, options) => frames(reader, FRAME, options).next(), "\x04", "abcdef", "ef"),
];

const isEnough = (reason: unknown) => reason === "enough";

class Scene {
  readonly clock: VirtualClock = new VirtualClock();
  readonly reader: StreamReader = new StreamReader({ limit: 1_000 }, this.clock);
  readonly controller: AbortController = new AbortController();
  readonly signal: AbortSignal = this.controller.signal;

  constructor(text: string) {
    this.feed(text);
  }

  feed(text: string): void {
    this.reader.feedData(Buffer.from(text));
  }

  /** Timers and listeners that wait. */
  get left(): number {
    return this.clock.pending + getEventListeners(this.signal, "abort").length;
  }

  /** All that is buffered. That nothing is pending shows by its success. */
  rest(): string {
    return this.reader.tryRead(1_000)?.toString() ?? "";
  }
}

for (const { title, method, read, has, comes, leaves } of KINDS) {
  describe(`${title}, bounded`, () => {
    it("rejects with the signal's reason, has consumed nothing, and leaves its place at once", async () => {
      const scene = new Scene(has);
      const aborted = assert.rejects(read(scene.reader, { signal: scene.signal, timeout: 50 }), isEnough);
      assert.equal(scene.left, 2);
      assert.throws(() => scene.reader.tryRead(1), { name: "InvalidStateError" });
      scene.controller.abort("enough");
      assert.equal(scene.left, 0);
      assert.equal(scene.rest(), has);
      await aborted;
    });

    it("rejects after the timeout with a TimeoutError that says so, and has consumed nothing", async () => {
      const scene = new Scene(has);
      const timedOut = assert.rejects(read(scene.reader, { signal: scene.signal, timeout: 50 }), {
        name: "TimeoutError",
        code: "ETIMEDOUT",
        message: `${method}() did not end within 50 ms`,
      });
      await scene.clock.advance(49);
      assert.equal(scene.left, 2);
      await scene.clock.advance(1);
      assert.equal(scene.left, 0);
      await timedOut;
      assert.equal(scene.rest(), has);
    });

    it("loses nothing when the abort comes in the tick of the bytes, before or after them", async () => {
      for (const order of ["before", "after"]) {
        const scene = new Scene(has);
        const aborted = assert.rejects(read(scene.reader, { signal: scene.signal }), isEnough);
        if (order === "before") scene.controller.abort("enough");
        scene.feed(comes);
        if (order === "after") scene.controller.abort("enough");
        await aborted;
        assert.equal(scene.rest(), has + comes, order);
      }
    });

    it("rejects at once if the signal is aborted already, also when the bytes are there", async () => {
      for (const text of [has, has + comes]) {
        const scene = new Scene(text);
        scene.controller.abort("enough");
        const aborted = assert.rejects(read(scene.reader, { signal: scene.signal }), isEnough);
        assert.equal(scene.rest(), text);
        await aborted;
      }
    });

    for (const added of ["before", "after"]) {
      it(`lets the same read begin again in a listener of the abort that was added ${added} it`, async () => {
        for (const hasCome of [false, true]) {
          const scene = new Scene(has);
          let second: Promise<unknown> | undefined;
          const again = () => void (second = read(scene.reader));
          if (added === "before") scene.signal.addEventListener("abort", again);
          const first = assert.rejects(read(scene.reader, { signal: scene.signal }), isEnough);
          if (added === "after") scene.signal.addEventListener("abort", again);
          // Then the first one is woken, and must not take what the second one gets.
          if (hasCome) scene.feed(comes);
          scene.controller.abort("enough");
          await first;
          if (!hasCome) {
            assert.ok(await isPending(second!));
            scene.feed(comes);
          }
          await second;
          assert.equal(scene.rest(), leaves);
        }
      });
    }

    it("takes what comes in time, and leaves neither timer nor listener", async () => {
      const scene = new Scene(has);
      const reading = read(scene.reader, { signal: scene.signal, timeout: 50 });
      await scene.clock.advance(49);
      scene.feed(comes);
      await reading;
      assert.equal(scene.left, 0);
      assert.equal(scene.rest(), leaves);
    });

    it("sets neither timer nor listener when it does not have to wait", async () => {
      const scene = new Scene(has + comes);
      const reading = read(scene.reader, { signal: scene.signal, timeout: 50 });
      assert.equal(scene.left, 0);
      await reading;
      assert.equal(scene.rest(), leaves);
    });

    it("leaves neither when the stream ends or fails, and after a second read that is refused", async () => {
      for (const end of [
        (reader: StreamReader) => reader.feedEof(),
        (reader: StreamReader) => reader.feedError(new Error("lost")),
        (reader: StreamReader) => reader.setException(new Error("broken")),
      ]) {
        const scene = new Scene(has);
        const reading = read(scene.reader, { signal: scene.signal, timeout: 50 });
        const refused = read(scene.reader, { signal: scene.signal, timeout: 50 });
        await assert.rejects(refused, { name: "InvalidStateError" });
        assert.equal(scene.left, 2);
        end(scene.reader);
        await Promise.allSettled([reading]);
        assert.equal(scene.left, 0);
      }
    });

    it("refuses wrong bounds, and consumes nothing", async () => {
      const wrong: [options: unknown, name: string][] = [
        ...[0, -5, NaN, Infinity, 2 ** 31].map((timeout): [unknown, string] => [{ timeout }, "RangeError"]),
        [{ timeout: "5" }, "TypeError"],
        [{ signal: new AbortController() }, "TypeError"],
        [{ abort: 5 }, "TypeError"],
      ];
      for (const [options, name] of wrong) {
        const scene = new Scene(has + comes);
        await assert.rejects(async () => await read(scene.reader, options as WaitOptions), { name });
        assert.equal(scene.rest(), has + comes);
      }
    });
  });
}

/** Counts what one long-lived signal holds while it is used again and again. */
class LongLived {
  readonly signal: AbortSignal = new AbortController().signal;
  #most = 0;

  note(): void {
    this.#most = Math.max(this.#most, this.#now);
  }

  /** What it holds now must be nothing, and what it held at most `most`. */
  check(most: number): void {
    assert.equal(this.#now, 0);
    assert.equal(this.#most, most);
  }

  get #now(): number {
    return getEventListeners(this.signal, "abort").length;
  }
}

describe("one long-lived signal", () => {
  const ROUNDS = Math.ceil(100_000 / KINDS.length);

  it("holds nothing after 100 000 reads of all kinds that waited", async () => {
    const held = new LongLived();
    const scene = new Scene("");
    for (let round = 0; round < ROUNDS; round++) {
      for (const { read, has, comes } of KINDS) {
        scene.feed(has);
        const reading = read(scene.reader, { signal: held.signal, timeout: 1_000 });
        held.note();
        scene.feed(comes);
        await reading;
        scene.rest();
      }
    }
    held.check(1);
    assert.equal(scene.clock.pending, 0);
  });

  it("holds nothing after 100 000 reads of all kinds that did not wait", async () => {
    const held = new LongLived();
    const scene = new Scene("");
    for (let round = 0; round < ROUNDS; round++) {
      for (const { read, has, comes } of KINDS) {
        scene.feed(has + comes);
        const reading = read(scene.reader, { signal: held.signal, timeout: 1_000 });
        held.note();
        await reading;
        scene.rest();
      }
    }
    held.check(0);
    assert.equal(scene.clock.pending, 0);
  });

  it("holds nothing after 120 000 times drain() and waitClosed(), and one listener while they wait", async () => {
    const held = new LongLived();
    const { near, far } = connectedInMemory();
    for (let call = 0; call < 50_000; call++) await near.writer.drain({ signal: held.signal });
    held.check(0);
    near.writer.write(Buffer.alloc(10_000_000));
    const drains = Array.from({ length: 10_000 }, () => near.writer.drain({ signal: held.signal }));
    const ends = Array.from({ length: 10_000 }, () => near.writer.waitClosed({ signal: held.signal }));
    held.note();
    await far.reader.readExactly(10_000_000);
    await Promise.all(drains);
    far.writer.close();
    near.writer.close();
    await Promise.all(ends);
    held.check(1);
    for (let call = 0; call < 50_000; call++) await near.writer.waitClosed({ signal: held.signal });
    held.check(1);
  });
});

describe("drain() and waitClosed(), bounded", () => {
  const cleanup = cleanups();
  /** More than the buffers between two ends hold. */
  const MUCH = 16_000_000;

  it("time out and leave the connection as it was", async () => {
    const { connection, peer } = await connectedToSocket(cleanup);
    const { reader, writer } = connection;
    writer.write(Buffer.alloc(MUCH, "x"));
    const others = [writer.drain(), writer.waitClosed()];
    await assert.rejects(writer.drain({ timeout: 20 }), {
      name: "TimeoutError",
      message: "drain() did not end within 20 ms",
    });
    await assert.rejects(writer.waitClosed({ timeout: 20 }), {
      name: "TimeoutError",
      message: "waitClosed() did not end within 20 ms",
    });
    assert.equal(writer.isClosing(), false);
    assert.ok(await isPending(Promise.race(others)));

    let received = 0;
    peer.on("data", (chunk: Buffer) => (received += chunk.length)).resume();
    await others[0];
    peer.write("answer\n");
    assert.equal(String(await reader.readLine({ timeout: 5_000 })), "answer\n");
    writer.close();
    await Promise.all([others[1], once(peer, "end")]);
    assert.equal(received, MUCH);
  });

  it("reject with the signal's reason, later or at once, and leave the others waiting", async () => {
    const { near } = connectedInMemory();
    const { writer } = near;
    writer.write(Buffer.alloc(MUCH));
    const others = [writer.drain(), writer.waitClosed()];
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [writer.drain({ signal }), writer.waitClosed({ signal })];
    assert.ok(await isPending(Promise.race(waits)));
    const rejections = waits.map((wait) => assert.rejects(wait, isEnough));
    controller.abort("enough");
    await Promise.all(rejections);
    await assert.rejects(writer.drain({ signal }), isEnough);
    await assert.rejects(writer.waitClosed({ signal }), isEnough);
    assert.ok(await isPending(Promise.race(others)));
    writer.transport.abort();
    await Promise.all(others);
    await assert.rejects(writer.waitClosed({ signal }), isEnough, "also when the connection has ended");
    await writer.waitClosed({ timeout: 1 });
  });

  it("refuse wrong bounds", async () => {
    const { writer } = connectedInMemory().near;
    for (const wait of [writer.drain.bind(writer), writer.waitClosed.bind(writer)]) {
      for (const timeout of [0, -1, NaN, Infinity, 2 ** 31])
        await assert.rejects(wait({ timeout }), RangeError);
      await assert.rejects(wait({ timeout: "5" as unknown as number }), TypeError);
      await assert.rejects(wait({ signal: {} as AbortSignal }), TypeError);
      await assert.rejects(wait(5 as WaitOptions), TypeError);
    }
  });
});
