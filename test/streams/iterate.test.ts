import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { frames, lengthPrefixed, StreamReader } from "asyncio-streams";

const LOOPS: readonly [
  name: string,
  loop: (reader: StreamReader) => AsyncIterableIterator<unknown, undefined>,
][] = [
  ["lines()", (reader) => reader.lines()],
  ["chunks()", (reader) => reader.chunks()],
  ["frames()", (reader) => frames(reader, lengthPrefixed({ bytes: 1 }))],
  ["the reader itself", (reader) => reader[Symbol.asyncIterator]()],
];

describe("a loop that is left while it waits", () => {
  for (const [name, loop] of LOOPS) {
    it(`over ${name} has taken nothing, and another read may wait`, async () => {
      const reader = new StreamReader();
      const iterator = loop(reader);
      const next = iterator.next();
      assert.deepEqual(await iterator.return!(), { value: undefined, done: true });
      const line = reader.readLine();
      assert.deepEqual(await next, { value: undefined, done: true });
      reader.feedData(Buffer.from("one\ntwo\n"));
      assert.equal((await line).toString(), "one\n");
      assert.equal((await reader.readLine()).toString(), "two\n");
      assert.deepEqual(await iterator.next(), { value: undefined, done: true });
    });

    it(`over ${name} in the same tick as bytes come, has taken nothing either`, async () => {
      const reader = new StreamReader();
      const iterator = loop(reader);
      const next = iterator.next();
      reader.feedData(Buffer.from("one\n"));
      void iterator.return!();
      assert.deepEqual(await next, { value: undefined, done: true });
      assert.equal((await reader.readLine()).toString(), "one\n");
    });
  }
});
