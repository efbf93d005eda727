import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamReader, type WaitOptions } from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { connectedInMemory } from "../support/connections.js";
import { RecordingTransport } from "../support/recording-transport.js";
import { isPending, nextTurn } from "../support/turns.js";

describe("chunks()", () => {
  it("gives what arrives as it came, without copying, to the end", async () => {
    const reader = new StreamReader();
    const sent = [Buffer.alloc(5_000, "a"), Buffer.alloc(70_000, "b")];
    for (const chunk of sent) reader.feedData(chunk);
    const loop = reader.chunks();
    for (const chunk of sent) {
      const { value } = await loop.next();
      assert.equal(value, chunk);
    }
    const next = loop.next();
    assert.ok(await isPending(next));
    reader.feedData(Buffer.from("c"));
    assert.equal(String((await next).value), "c");
    reader.feedEof();
    for (let round = 0; round < 2; round++)
      assert.deepEqual(await loop.next(), { value: undefined, done: true });
  });

  it("gives the rest of a chunk that was begun, and what was put back by itself", async () => {
    const reader = new StreamReader();
    reader.feedData(Buffer.alloc(5_000, "a"));
    await reader.readExactly(10);
    reader.unread("xyz");
    const loop = reader.chunks();
    assert.equal(String((await loop.next()).value), "xyz");
    assert.equal((await loop.next()).value?.length, 4_990);
  });

  it("left by break loses no byte", async () => {
    const reader = new StreamReader();
    for (const size of [5_000, 300, 2]) reader.feedData(Buffer.alloc(size));
    for await (const chunk of reader.chunks()) {
      assert.equal(chunk.length, 5_000);
      break;
    }
    assert.equal(reader.bufferedBytes, 302);
  });

  it("keeps flow control right", async () => {
    const reader = new StreamReader({ limit: 10 });
    const transport = new RecordingTransport();
    reader.setTransport(transport);
    for (let chunk = 0; chunk < 3; chunk++) reader.feedData(Buffer.alloc(1_000));
    const loop = reader.chunks();
    await loop.next();
    await loop.next();
    assert.deepEqual(transport.calls, ["pause"]);
    await loop.next();
    assert.deepEqual(transport.calls, ["pause", "resume"]);

    const { near, far } = connectedInMemory(1_000);
    const sent = patternBytes(1_000_000);
    far.writer.write(sent);
    far.writer.writeEof();
    const received: Buffer[] = [];
    for await (const chunk of near.reader.chunks()) {
      received.push(chunk);
      await nextTurn();
      assert.ok(near.reader.bufferedBytes <= 200_000);
    }
    assert.ok(Buffer.concat(received).equals(sent));
  });

  it("gives what came before a loss, then its error", async () => {
    const reader = new StreamReader();
    reader.feedData(Buffer.from("abc"));
    reader.feedError(new Error("lost"));
    const loop = reader.chunks();
    assert.equal(String((await loop.next()).value), "abc");
    await assert.rejects(loop.next(), /^Error: lost$/);
  });

  it("refuses wrong bounds at once, and rejects each step once the signal is aborted", async () => {
    const reader = new StreamReader();
    for (const [options, name] of [
      [{ timeout: 0 }, "RangeError"],
      [{ signal: {} }, "TypeError"],
      [{ size: 5 }, "TypeError"],
      [5, "TypeError"],
    ] as const) {
      assert.throws(() => reader.chunks(options as WaitOptions), { name });
    }
    const controller = new AbortController();
    const loop = reader.chunks({ signal: controller.signal });
    controller.abort("enough");
    reader.feedData(Buffer.from("abc"));
    await assert.rejects(loop.next(), (reason) => reason === "enough");
    assert.equal(reader.bufferedBytes, 3);
  });
});
