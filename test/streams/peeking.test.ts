/** Reads that look, put back or drop. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamReader } from "asyncio-streams";
import { bufferOf } from "../support/buffer-of.js";
import { connectedInMemory } from "../support/connections.js";
import { buffersMadeBy } from "../support/count-work.js";
import { RecordingTransport } from "../support/recording-transport.js";
import { isPending, nextTurn } from "../support/turns.js";
import { isBun } from "../support/runtime.js";

function readerWith(text: string, limit = 10): { reader: StreamReader; transport: RecordingTransport } {
  const reader = new StreamReader({ limit });
  const transport = new RecordingTransport();
  reader.setTransport(transport);
  feed(reader, text);
  return { reader, transport };
}

function feed(reader: StreamReader, text: string): void {
  reader.feedData(Buffer.from(text));
}

function rest(reader: StreamReader): string {
  return reader.bufferedBytes === 0 ? "" : String(reader.tryRead(reader.bufferedBytes));
}

const LOOKS = {
  "peek()": (reader: StreamReader, size: number) => reader.peek(size),
  "peekExactly()": (reader: StreamReader, size: number) => reader.peekExactly(size),
};

for (const [name, look] of Object.entries(LOOKS)) {
  describe(`StreamReader: ${name}`, () => {
    it("gives a copy, and leaves the bytes", async () => {
      const { reader } = readerWith("abcde");
      for (let round = 0; round < 3; round++) {
        const seen = await look(reader, 3);
        assert.equal(String(seen), "abc");
        seen.fill(0xff);
      }
      assert.equal(reader.bufferedBytes, 5);
      assert.equal(rest(reader), "abcde");
    });

    it("gives no bytes for 0, at once, in every state", async () => {
      const { reader } = readerWith("");
      assert.equal((await look(reader, 0)).length, 0);
      reader.feedEof();
      assert.equal((await look(reader, 0)).length, 0);
      reader.feedError(new Error("lost"));
      assert.equal((await look(reader, 0)).length, 0);
      reader.setException(new Error("broken"));
      await assert.rejects(look(reader, 0), /^Error: broken$/);
    });

    it("waits for a first byte, and gives what was left when the connection was lost", async () => {
      const { reader } = readerWith("");
      const looking = look(reader, 2);
      assert.ok(await isPending(looking));
      feed(reader, "abc");
      reader.feedError(new Error("lost"));
      assert.equal(String(await looking), "ab");
      assert.equal(String(await look(reader, 3)), "abc");
      assert.equal(rest(reader), "abc");
      await assert.rejects(look(reader, 1), /^Error: lost$/);
    });

    it("neither pauses nor resumes when it does not wait", async () => {
      const { reader, transport } = readerWith("x".repeat(21));
      assert.deepEqual(transport.calls, ["pause"]);
      for (const size of [1, 10, 21]) await look(reader, size);
      assert.deepEqual(transport.calls, ["pause"]);
      await reader.read(11);
      assert.deepEqual(transport.calls, ["pause", "resume"]);
    });

    it("refuses a size that is no whole number of at least 0", async () => {
      const { reader } = readerWith("abc");
      for (const size of [-1, 1.5, NaN, Infinity]) await assert.rejects(look(reader, size), RangeError);
      for (const size of ["1", null, undefined, 1n]) {
        await assert.rejects(look(reader, size as unknown as number), {
          name: "TypeError",
          message: /size must be a number/,
        });
      }
      assert.equal(rest(reader), "abc");
    });
  });
}

describe("StreamReader: peek() and peekExactly() differ", () => {
  it("peek() gives less when there is less, and nothing at the end", async () => {
    const { reader } = readerWith("abc");
    assert.equal(String(await reader.peek(9)), "abc");
    reader.feedEof();
    assert.equal(String(await reader.peek(9)), "abc");
    rest(reader);
    assert.equal((await reader.peek(9)).length, 0);
    assert.equal(reader.atEof(), true);
  });

  it("peekExactly() waits for all of it, above the limit too, and lets the transport go on for it", async () => {
    const { reader, transport } = readerWith("x".repeat(21));
    const looking = reader.peekExactly(50);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
    for (let chunk = 0; chunk < 3; chunk++) {
      assert.ok(await isPending(looking));
      assert.equal(transport.isPaused, false);
      feed(reader, "y".repeat(10));
    }
    assert.equal(String(await looking), `${"x".repeat(21)}${"y".repeat(29)}`);
    assert.equal(transport.isPaused, true, "what is buffered is above the mark");
    assert.equal(reader.bufferedBytes, 51);
    await reader.read(41);
    assert.equal(transport.isPaused, false);
  });

  it("peekExactly() rejects at the end, and its bytes can still be read", async () => {
    const { reader } = readerWith("abc");
    reader.feedEof();
    for (let round = 0; round < 2; round++) {
      await assert.rejects(reader.peekExactly(4), {
        name: "IncompleteReadError",
        expected: 4,
        partial: Buffer.from("abc"),
      });
    }
    assert.equal(rest(reader), "abc");
  });

  it("one of them sees TLS from plain text before anything is read", async () => {
    const { near, far } = connectedInMemory();
    far.writer.write(Buffer.of(0x16, 3, 1));
    const [first] = await near.reader.peek(1);
    assert.equal(first, 0x16);
    assert.equal((await near.reader.readExactly(3)).length, 3);
  });
});

describe("StreamReader: unread()", () => {
  it("puts bytes in front of all others; the last ones put back come first", () => {
    const { reader } = readerWith("abc");
    reader.unread("2");
    reader.unread(Buffer.from("1"));
    reader.unread("");
    assert.equal(reader.bufferedBytes, 5);
    assert.equal(rest(reader), "12abc");
  });

  it("copies, so that the caller can go on with its array", () => {
    const { reader } = readerWith("b");
    const bytes = Buffer.from("a");
    reader.unread(bytes);
    bytes.fill("z");
    assert.equal(rest(reader), "ab");
  });

  it("works after the end and after a loss, and the end is not reached before that is read", async () => {
    for (const end of [
      (reader: StreamReader) => reader.feedEof(),
      (reader: StreamReader) => reader.feedError(new Error("lost")),
    ]) {
      const { reader } = readerWith("");
      end(reader);
      reader.unread("again\n");
      assert.equal(reader.atEof(), false);
      assert.equal(String(await reader.readLine()), "again\n");
      const [last] = await Promise.allSettled([reader.read(1)]);
      assert.equal(last.status, reader.exception() === undefined ? "fulfilled" : "rejected");
    }
  });

  it("of more than twice the limit pauses the transport, and reading that resumes it", () => {
    const { reader, transport } = readerWith("");
    reader.unread("x".repeat(20));
    assert.deepEqual(transport.calls, []);
    reader.unread("x");
    assert.deepEqual(transport.calls, ["pause"]);
    reader.tryRead(11);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
  });

  it("is refused while a read is pending, and for what is no bytes", async () => {
    const { reader } = readerWith("");
    const reading = reader.read(3);
    assert.throws(() => reader.unread("a"), {
      name: "InvalidStateError",
      message: "unread() called while a read is waiting for incoming data",
    });
    for (const data of [5, null, undefined, ["a"], new ArrayBuffer(1)]) {
      assert.throws(() => reader.unread(data as unknown as string), { name: "TypeError" });
    }
    feed(reader, "abc");
    assert.equal(String(await reading), "abc");
  });

  it("within a loop over lines gives what was put back as the next line", async () => {
    const { reader } = readerWith("one\ntwo\n");
    reader.feedEof();
    const seen: string[] = [];
    for await (const line of reader.lines({ encoding: "utf8" })) {
      seen.push(line);
      if (line === "one") reader.unread("again\n");
    }
    assert.deepEqual(seen, ["one", "again", "two"]);
  });
});

describe("StreamReader: discard()", () => {
  it("drops exactly so many bytes, and waits for all of them", async () => {
    const { reader } = readerWith("abc");
    const dropping = reader.discard(5);
    assert.ok(await isPending(dropping));
    assert.equal(reader.bufferedBytes, 3, "nothing before all are there");
    feed(reader, "defg");
    assert.equal(await dropping, undefined);
    assert.equal(rest(reader), "fg");
    await reader.discard(0);
  });

  it("resumes the transport as a read does", async () => {
    const { reader, transport } = readerWith("x".repeat(21));
    await reader.discard(10);
    assert.deepEqual(transport.calls, ["pause"]);
    await reader.discard(1);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
  });

  it("of more than twice the limit keeps nothing of it", async () => {
    const { reader, transport } = readerWith("x".repeat(5));
    const dropping = reader.discard(21);
    assert.equal(reader.bufferedBytes, 0);
    for (let byte = 0; byte < 15; byte++) {
      feed(reader, "x");
      await nextTurn();
      assert.equal(reader.bufferedBytes, 0);
    }
    feed(reader, "xyz");
    await dropping;
    assert.equal(rest(reader), "yz");
    assert.deepEqual(transport.calls, []);
  });

  it("of much ends in the connection's own memory", async () => {
    const { near, far } = connectedInMemory(1_000);
    far.writer.write(Buffer.alloc(10_000_000));
    far.writer.write("rest");
    let most = 0;
    const dropping = near.reader.discard(10_000_000).then(() => (most = -1));
    while (most >= 0) {
      most = Math.max(most, near.reader.bufferedBytes);
      assert.ok(most <= 200_000, `${most} bytes`);
      await nextTurn();
    }
    await dropping;
    assert.equal(String(await near.reader.readExactly(4)), "rest");
  });

  it("rejects at the end: with all bytes, or only the last of many", async () => {
    const small = readerWith("abc").reader;
    small.feedEof();
    await assert.rejects(small.discard(4), {
      name: "IncompleteReadError",
      partial: Buffer.from("abc"),
      expected: 4,
      message: "3 bytes read on a total of 4 expected bytes",
    });
    const large = readerWith("abc").reader;
    const dropping = large.discard(99);
    feed(large, "de");
    large.feedEof();
    await assert.rejects(dropping, {
      name: "IncompleteReadError",
      partial: Buffer.alloc(0),
      message: "5 bytes read on a total of 99 expected bytes",
    });
    assert.equal(large.atEof(), true);
  });

  it("aborted, has dropped nothing up to twice the limit, and what had come of more", async () => {
    for (const [size, left] of [
      [20, "abc"],
      [21, ""],
    ] as const) {
      const { reader } = readerWith("abc");
      const controller = new AbortController();
      const aborted = assert.rejects(reader.discard(size, { signal: controller.signal }), {
        name: "AbortError",
      });
      controller.abort();
      await aborted;
      assert.equal(rest(reader), left);
    }
  });

  it("refuses a size that is no whole number of at least 0", async () => {
    const { reader } = readerWith("abc");
    for (const size of [-1, 1.5, NaN, Infinity]) {
      await assert.rejects(reader.discard(size), { name: "RangeError", message: /^discard size must be/ });
    }
    for (const size of ["1", null, undefined])
      await assert.rejects(reader.discard(size as unknown as number), TypeError);
    assert.equal(rest(reader), "abc");
  });
});

describe("StreamReader: readInto()", () => {
  const views: [name: string, make: () => NodeJS.ArrayBufferView][] = [
    ["a Uint8Array", () => new Uint8Array(6)],
    ["a Buffer", () => Buffer.alloc(6)],
    ["a DataView inside a buffer", () => new DataView(new ArrayBuffer(20), 5, 6)],
    ["a Uint16Array", () => new Uint16Array(3)],
    ["a BigInt64Array, of which a part is filled", () => new BigInt64Array(1)],
    ["shared memory", () => new Uint8Array(new SharedArrayBuffer(20), 3, 6)],
  ];
  for (const [name, make] of views) {
    it(`fills ${name}, and nothing beside it`, async () => {
      const { reader } = readerWith("abc");
      feed(reader, "defgh");
      const view = make();
      const bytes = Buffer.from(new Uint8Array(view.buffer));
      const count = Math.min(view.byteLength, 8);
      bytes.write("abcdefgh".slice(0, count), view.byteOffset, "latin1");
      assert.equal(await reader.readInto(view), count);
      assert.deepEqual(Buffer.from(new Uint8Array(view.buffer)), bytes);
      assert.equal(rest(reader), "abcdefgh".slice(count));
    });
  }

  it("copies what is there as soon as there is a byte, and 0 bytes at the end", async () => {
    const { reader } = readerWith("");
    const view = new Uint8Array(6);
    const reading = reader.readInto(view);
    assert.ok(await isPending(reading));
    feed(reader, "ab");
    assert.equal(await reading, 2);
    assert.deepEqual([...view], [0x61, 0x62, 0, 0, 0, 0]);
    reader.feedEof();
    assert.equal(await reader.readInto(view), 0);
    reader.feedError(new Error("lost"));
    await assert.rejects(reader.readInto(view), /^Error: lost$/);
  });

  it("that waits takes bytes that are offered once, of the first as many as fit, and has nothing else take them", async () => {
    const { reader } = readerWith("");
    const buffer = bufferOf(reader);
    assert.equal(buffer.offer(Buffer.from("a")), 0, "nobody waits");
    const view = Buffer.alloc(3);
    const reading = reader.readInto(view);
    assert.equal(buffer.offer(Buffer.from("abcd")), 3);
    assert.equal(buffer.offer(Buffer.from("efg")), 0, "it has its bytes");
    assert.equal(await reading, 3);
    assert.equal(String(view), "abc");
    const line = reader.readLine();
    assert.equal(buffer.offer(Buffer.from("x")), 0, "another read does not copy");
    feed(reader, "de\nf");
    assert.equal(String(await line), "de\n");
    assert.equal(await reader.readInto(view), 1);
  });

  it("that took what was offered has its bytes, whatever comes in the same tick, and another read may wait", async () => {
    const { reader } = readerWith("");
    const buffer = bufferOf(reader);
    const controller = new AbortController();
    const view = Buffer.alloc(3);
    const reading = reader.readInto(view, { signal: controller.signal });
    assert.equal(buffer.offer(Buffer.from("abc")), 3);
    const next = reader.readExactly(2);
    controller.abort();
    feed(reader, "de");
    reader.setException(new Error("broken"));
    assert.equal(await reading, 3);
    assert.equal(String(view), "abc");
    await assert.rejects(next, /broken/);
  });

  it("copies nothing into a view without room, at once", async () => {
    const { reader } = readerWith("");
    assert.equal(await reader.readInto(new Uint8Array(0)), 0);
    feed(reader, "abc");
    assert.equal(await reader.readInto(new DataView(new ArrayBuffer(5), 5)), 0);
    assert.equal(rest(reader), "abc");
  });

  it("resumes the transport as a read does", async () => {
    const { reader, transport } = readerWith("x".repeat(21));
    await reader.readInto(new Uint8Array(10));
    assert.deepEqual(transport.calls, ["pause"]);
    await reader.readInto(new Uint8Array(1));
    assert.deepEqual(transport.calls, ["pause", "resume"]);
  });

  it("allocates no memory for bytes", async () => {
    const { reader } = readerWith("", 1_000_000);
    const chunk = Buffer.alloc(65_536);
    const view = new Uint8Array(4_000);
    let arrayBuffers = 0;
    const made = await buffersMadeBy(async () => {
      arrayBuffers = process.memoryUsage().arrayBuffers;
      for (let round = 0; round < 100; round++) {
        reader.feedData(chunk);
        while (reader.bufferedBytes > 0) await reader.readInto(view);
      }
      arrayBuffers -= process.memoryUsage().arrayBuffers;
    });
    assert.deepEqual(made, []);
    // Bun counts them only when it collects.
    if (!isBun) assert.ok(arrayBuffers >= 0, "and less only by the collector");
  });

  it("refuses what is no view", async () => {
    const { reader } = readerWith("abc");
    for (const view of [new ArrayBuffer(5), [1, 2], 5, "abc", null, undefined]) {
      await assert.rejects(reader.readInto(view as unknown as Uint8Array), {
        name: "TypeError",
        message: /^view must be a Uint8Array or another view of an ArrayBuffer, not /,
      });
    }
    assert.equal(rest(reader), "abc");
  });
});
