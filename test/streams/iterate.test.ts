import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { frames, lengthPrefixed, StreamReader } from "asyncio-streams";

const LOOPS: readonly [
  name: string,
  loop: (reader: StreamReader) => AsyncIterableIterator<unknown, undefined>,
  method: string,
][] = [
  ["lines()", (reader) => reader.lines(), "lines"],
  ["chunks()", (reader) => reader.chunks(), "chunks"],
  ["frames()", (reader) => frames(reader, lengthPrefixed({ bytes: 1 })), "frames"],
  ["the reader itself", (reader) => reader[Symbol.asyncIterator](), "readUntil"],
];

describe("a loop that is left while it waits", () => {
  for (const [name, loop, method] of LOOPS) {
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

    it(`over ${name} is named in the error while somebody else reads, whose read it does not end when it is left`, async () => {
      const reader = new StreamReader();
      const iterator = loop(reader);
      reader.feedData(Buffer.from("\x01\n"));
      await iterator.next();
      reader.tryRead();
      const line = reader.readLine();
      await assert.rejects(iterator.next(), {
        name: "InvalidStateError",
        message: `${method}() called while another coroutine is already waiting for incoming data`,
      });
      await iterator.return!();
      reader.feedData(Buffer.from("mine\n"));
      assert.equal((await line).toString(), "mine\n");
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

describe("a loop that is left leaves the reads of others alone", () => {
  for (const [name, loop] of LOOPS) {
    it(`over ${name} whose step was refused in the same tick`, async () => {
      const reader = new StreamReader();
      const line = reader.readLine();
      const iterator = loop(reader);
      const refused = assert.rejects(iterator.next(), { code: "ERR_INVALID_STATE" });
      await iterator.return!();
      reader.feedData(Buffer.from("one\n"));
      assert.equal((await line).toString(), "one\n");
      await refused;
    });

    it(`over ${name} that is left again once another read waits`, async () => {
      const reader = new StreamReader();
      const iterator = loop(reader);
      const next = iterator.next();
      const left = iterator.return!();
      const line = reader.readLine();
      await Promise.all([left, iterator.return!()]);
      reader.feedData(Buffer.from("one\n"));
      assert.equal((await line).toString(), "one\n");
      assert.deepEqual(await next, { value: undefined, done: true });
    });
  }

  for (const [name, loop] of LOOPS) {
    it(`over ${name} that was asked twice at once ends what it waits for`, async () => {
      const iterator = loop(new StreamReader());
      const next = iterator.next();
      await assert.rejects(iterator.next(), { code: "ERR_INVALID_STATE" });
      await iterator.return!();
      assert.deepEqual(await next, { value: undefined, done: true });
    });
  }
});
