import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamReader } from "asyncio-streams";
import { bufferOf } from "../support/buffer-of.js";
import { settleDown } from "../support/pending.js";

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

  it("are not taken by a read that its signal has ended", async () => {
    const reader = new StreamReader();
    const controller = new AbortController();
    const reading = reader.read(3, { signal: controller.signal });
    controller.abort(new Error("given up"));
    assert.equal(bufferOf(reader).offer(Buffer.from("abc")), 0);
    await assert.rejects(reading, { message: "given up" });
  });
});
