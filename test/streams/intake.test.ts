import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  frames,
  IncompleteReadError,
  lengthPrefixed,
  readFrame,
  StreamReader,
  type FrameFormat,
} from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { bufferOf } from "../support/buffer-of.js";
import { settleDown } from "../support/pending.js";
import { RecordingTransport } from "../support/recording-transport.js";

const LIMIT = 8;

type Read = (reader: StreamReader) => Promise<Buffer | number>;

/** A read that waits, a chunk that comes then, what the read takes of it at once, and what it gives if that is enough. */
const CASES: readonly (readonly [
  name: string,
  read: Read,
  chunk: string,
  taken: string,
  ...given: string[],
])[] = [
  ["read, of more", (reader) => reader.read(3), "abcdef", "abc", "abc"],
  ["read, of as much", (reader) => reader.read(6), "abcdef", "abcdef", "abcdef"],
  ["read, of less", (reader) => reader.read(10), "abcdef", "abcdef", "abcdef"],
  ["read to the end", (reader) => reader.read(), "abcdef", ""],
  ["readExactly, of more", (reader) => reader.readExactly(2), "abcdef", "ab", "ab"],
  ["readExactly, of as much", (reader) => reader.readExactly(6), "abcdef", "abcdef", "abcdef"],
  ["readExactly, of less", (reader) => reader.readExactly(7), "abcdef", ""],
  ["readLine, with more behind it", (reader) => reader.readLine(), "ab\ncd\n", "ab\n", "ab\n"],
  ["readLine, whole", (reader) => reader.readLine(), "abc\n", "abc\n", "abc\n"],
  ["readLine, an empty line", (reader) => reader.readLine(), "\n", "\n", "\n"],
  ["readLine, as long as the limit", (reader) => reader.readLine(), "12345678\n", "12345678\n", "12345678\n"],
  ["readLine, above the limit", (reader) => reader.readLine(), "123456789\n", ""],
  ["readLine, without an end", (reader) => reader.readLine(), "abc", ""],
  ["peek", (reader) => reader.peek(3), "abc", ""],
  ["discard", (reader) => reader.discard(3).then(() => 3), "abc", ""],
];

const FRAME_READS = [
  ["readFrame()", readFrame],
  [
    "frames()",
    async (reader: StreamReader, format: FrameFormat) => (await frames(reader, format).next()).value,
  ],
] as const;

describe("bytes that are offered to a read before they are buffered", () => {
  for (const [name, read, chunk, taken, ...given] of CASES) {
    it(`are taken as the read needs them: ${name}`, async () => {
      const reader = new StreamReader({ limit: LIMIT });
      const buffer = bufferOf(reader);
      const heard: string[] = [];
      const reading = read(reader).then((result) => void heard.push(String(result)));
      reading.catch(() => {});
      const memory = Buffer.from(chunk);
      assert.equal(buffer.offer(memory), taken.length);
      // It is used again.
      memory.fill("x");
      await settleDown();
      assert.deepEqual(heard, given);
      assert.equal(reader.bufferedBytes, 0);
      assert.equal(buffer.isReadPending, given.length === 0);
    });
  }

  it("are left alone while nobody reads, and while anything is buffered", async () => {
    const reader = new StreamReader();
    const buffer = bufferOf(reader);
    assert.equal(buffer.offer(Buffer.from("abc")), 0);
    const reading = reader.readExactly(3);
    reader.feedData(Buffer.from("a"));
    assert.equal(buffer.offer(Buffer.from("bcd")), 0);
    reader.feedData(Buffer.from("bcd"));
    assert.equal(String(await reading), "abc");
    assert.equal(buffer.offer(Buffer.from("efg")), 0);
  });

  describe("for a read of much", () => {
    const SIZE = 200_000;
    const BYTES = patternBytes(SIZE + 50_000);

    function offered(reader: StreamReader, from: number, to: number): number {
      const memory = Buffer.from(BYTES.subarray(from, to));
      const taken = bufferOf(reader).offer(memory);
      memory.fill("x");
      return taken;
    }

    it("are collected, and the read gets all of them as one, without more memory", async () => {
      const reader = new StreamReader();
      const reading = reader.readExactly(SIZE);
      for (let from = 0; from < 180_000; from += 60_000)
        assert.equal(offered(reader, from, from + 60_000), 60_000);
      assert.equal(offered(reader, 180_000, 240_000), 60_000);
      const read = await reading;
      assert.ok(read.equals(BYTES.subarray(0, SIZE)));
      assert.equal(read.buffer.byteLength, SIZE);
      assert.ok((await reader.readExactly(40_000)).equals(BYTES.subarray(SIZE, 240_000)));
    });

    for (const size of [16_384, 20_000, 60_000, 70_000]) {
      it(`are copied once, also where one message ends and the next begins: ${size} bytes`, async () => {
        const reader = new StreamReader();
        const buffer = bufferOf(reader);
        let at = 0;
        for (let from = 0; at + size < BYTES.length; at += size) {
          const memory = buffer.queue.chunkCount > 0 ? buffer.queue.chunkAt(0).buffer : undefined;
          const reading = reader.readExactly(size);
          for (; buffer.isReadPending && from < at + size; from += 50_000)
            assert.equal(offered(reader, from, from + 50_000), 50_000);
          const read = await reading;
          assert.ok(read.equals(BYTES.subarray(at, at + size)));
          if (memory !== undefined) assert.equal(read.buffer, memory);
          assert.ok(read.buffer.byteLength < 50_000 + 2 * size);
        }
      });
    }

    it("pause the transport when too much is behind them", async () => {
      const transport = new RecordingTransport();
      const reader = new StreamReader({ limit: 20_000 });
      reader.setTransport(transport);
      const reading = reader.readExactly(SIZE);
      for (let from = 0; from < 180_000; from += 60_000) offered(reader, from, from + 60_000);
      assert.deepEqual(transport.calls, []);
      assert.equal(offered(reader, 180_000, 240_000), 60_000);
      assert.deepEqual(transport.calls, ["pause"]);
      await reading;
      await reader.readExactly(20_000);
      assert.deepEqual(transport.calls, ["pause", "resume"]);
    });

    it("are put behind what was there, and before what is fed", async () => {
      const reader = new StreamReader();
      reader.feedData(BYTES.subarray(0, 30_000));
      const reading = reader.readExactly(SIZE);
      assert.equal(offered(reader, 30_000, 90_000), 60_000);
      reader.feedData(BYTES.subarray(90_000, 90_010));
      assert.equal(offered(reader, 90_010, 150_000), 59_990);
      reader.feedData(BYTES.subarray(150_000));
      assert.ok((await reading).equals(BYTES.subarray(0, SIZE)));
      assert.ok((await reader.readExactly(50_000)).equals(BYTES.subarray(SIZE)));
    });

    it("are left alone until some have come: who only announces much gets no memory", async () => {
      const reader = new StreamReader();
      const reading = reader.readExactly(SIZE);
      assert.equal(offered(reader, 0, 10_000), 0);
      reader.feedData(BYTES.subarray(0, 10_000));
      assert.equal(offered(reader, 10_000, 11_000), 0);
      reader.feedData(BYTES.subarray(10_000));
      assert.ok((await reading).equals(BYTES.subarray(0, SIZE)));
    });

    it("are there for the next read when it is given up", async () => {
      const reader = new StreamReader();
      const controller = new AbortController();
      const reading = reader.readExactly(SIZE, { signal: controller.signal });
      assert.equal(offered(reader, 0, 60_000), 60_000);
      controller.abort(new Error("given up"));
      await assert.rejects(reading, { message: "given up" });
      const line = reader.readUntil("\n".repeat(3));
      assert.equal(bufferOf(reader).offer(Buffer.from("\n\n\n")), 0);
      reader.feedData(Buffer.from("\n\n\n"));
      assert.ok((await line).equals(Buffer.concat([BYTES.subarray(0, 60_000), Buffer.from("\n\n\n")])));
    });

    it("are in the error when the stream ends before", async () => {
      const reader = new StreamReader();
      const reading = reader.readExactly(SIZE);
      offered(reader, 0, 60_000);
      reader.feedEof();
      await assert.rejects(reading, (error) => {
        assert.ok(error instanceof IncompleteReadError);
        assert.ok(error.partial.equals(BYTES.subarray(0, 60_000)));
        return true;
      });
    });

    for (const [name, read] of FRAME_READS) {
      it(`are collected for a frame as soon as its length is there: ${name}`, async () => {
        for (const options of [{}, { includesPrefix: true }, { endian: "little" }] as const) {
          const reader = new StreamReader();
          const format = lengthPrefixed({ bytes: 4, ...options });
          const reading = read(reader, format);
          const prefix = Buffer.alloc(4);
          const length = "includesPrefix" in options ? SIZE + 4 : SIZE;
          if ("endian" in options) prefix.writeUInt32LE(length);
          else prefix.writeUInt32BE(length);
          assert.equal(bufferOf(reader).offer(prefix), 0);
          reader.feedData(prefix);
          await settleDown();
          for (let from = 0; from < 180_000; from += 60_000)
            assert.equal(offered(reader, from, from + 60_000), 60_000);
          assert.equal(offered(reader, 180_000, 240_000), 60_000);
          const payload = await reading;
          assert.ok(payload!.equals(BYTES.subarray(0, SIZE)));
          assert.equal(payload!.buffer.byteLength, SIZE + 4);
        }
      });
    }

    it("do not pause the transport, since the read needs them", async () => {
      const transport = new RecordingTransport();
      const reader = new StreamReader({ limit: LIMIT });
      reader.setTransport(transport);
      const reading = reader.readExactly(SIZE);
      for (let from = 0; from < SIZE; from += 50_000)
        assert.equal(offered(reader, from, from + 50_000), 50_000);
      await reading;
      assert.deepEqual(transport.calls, []);
    });
  });

  it("are all taken where what came before was taken in small parts, and pause the transport as ever", async () => {
    const transport = new RecordingTransport();
    const reader = new StreamReader({ limit: LIMIT });
    reader.setTransport(transport);
    const lines = Buffer.from("0123\n".repeat(10_000));
    reader.feedData(Buffer.from(lines));
    while (reader.tryReadLine() !== undefined);
    transport.calls.length = 0;

    const reading = reader.readLine();
    assert.equal(bufferOf(reader).offer(lines), lines.length);
    lines.fill(0);
    assert.deepEqual(transport.calls, ["pause"]);
    assert.equal(String(await reading), "0123\n");
    for (let line = 1; line < 10_000; line++) assert.equal(String(await reader.readLine()), "0123\n");
    assert.deepEqual(transport.calls, ["pause", "resume"]);
    assert.equal(reader.bufferedBytes, 0);

    const frame = readFrame(reader, lengthPrefixed({ bytes: 2, endian: "big" }));
    assert.equal(bufferOf(reader).offer(Buffer.from("\x00\x03abcd")), 6);
    assert.equal(String(await frame), "abc");
    assert.equal(String(await reader.read(1)), "d");
  });

  it("are not taken by a read that its signal has ended", async () => {
    const reader = new StreamReader();
    const controller = new AbortController();
    const reading = reader.read(3, { signal: controller.signal });
    controller.abort(new Error("given up"));
    assert.equal(bufferOf(reader).offer(Buffer.from("abc")), 0);
    await assert.rejects(reading, { message: "given up" });
  });
});
