import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Connection } from "asyncio-streams";
import { VirtualClock, streamPair, type StreamPairOptions } from "asyncio-streams/testing";
import { patternBytes } from "../support/bytes.js";
import { makeSelfSigned } from "../support/certificates.js";
import { isPending, turns } from "../support/turns.js";

const LOCKSTEP: StreamPairOptions = { lockstep: true };

/** Every kind of pair. */
const KINDS: readonly StreamPairOptions[] = [{}, { capacity: 1 }, { capacity: 7 }, LOCKSTEP];

async function readAll({ reader }: Connection): Promise<Buffer> {
  return reader.read();
}

for (const options of KINDS) {
  describe(`streamPair(${JSON.stringify(options)})`, () => {
    it("carries bytes both ways, in order, with half-closes", async () => {
      const [client, server] = streamPair(options);
      const data = patternBytes(3_000);
      const send = async ({ writer }: Connection, start: number) => {
        for (let at = start; at < data.length; at += 100) {
          writer.write(data.subarray(at, at + 100));
          await writer.drain();
        }
        writer.writeEof();
      };
      const [, , up, down] = await Promise.all([
        send(client, 0),
        send(server, 1_000),
        readAll(server),
        readAll(client),
      ]);
      assert.deepEqual(up, data);
      assert.deepEqual(down, data.subarray(1_000));
      await Promise.all([client.writer.waitClosed(), server.writer.waitClosed()]);
    });

    it("lets drain() wait while more than its capacity is unread, until a read has returned it", async () => {
      const capacity = options.lockstep ? 0 : (options.capacity ?? 65_536);
      const [client, server] = streamPair(options);
      client.writer.write(Buffer.alloc(capacity));
      await client.writer.drain();
      client.writer.write("ab");
      const drained = client.writer.drain();
      assert.ok(await isPending(drained));
      await server.reader.readExactly(1);
      assert.ok(await isPending(drained));
      await server.reader.readExactly(1);
      await drained;
      assert.equal(client.writer.transport.getWriteBufferSize(), 0);
      assert.equal((await server.reader.readExactly(capacity)).length, capacity);
    });

    it("keeps what does not fit with the writer: abort() drops it", async () => {
      const capacity = options.lockstep ? 0 : (options.capacity ?? 65_536);
      const [client, server] = streamPair(options);
      client.writer.write(Buffer.alloc(capacity + 5));
      await turns(1);
      assert.equal(client.writer.transport.getWriteBufferSize(), 5);
      client.writer.transport.abort();
      assert.equal((await readAll(server)).length, capacity);
    });

    it("gives a read that waits for more than the capacity what it waits for", async () => {
      const [client, server] = streamPair(options);
      client.writer.write("twelve bytes\nrest");
      assert.equal((await server.reader.readLine()).toString(), "twelve bytes\n");
      assert.equal((await server.reader.peekExactly(4)).toString(), "rest");
      assert.equal((await server.reader.readExactly(4)).toString(), "rest");
      await client.writer.drain();
    });

    it("gives reads that do not wait what has come, again and again", async () => {
      const [client, server] = streamPair(options);
      client.writer.write("line\n");
      let line: Buffer | undefined;
      for (let turn = 0; turn < 20 && line === undefined; turn++) {
        line = server.reader.tryReadLine();
        await turns(1);
      }
      assert.equal(line?.toString(), "line\n");
    });

    it("ends drain() with an error when the peer goes without reading", async () => {
      const [client, server] = streamPair(options);
      client.writer.write(Buffer.alloc(100_000));
      const drained = client.writer.drain();
      server.writer.transport.abort();
      // As TCP: who goes and leaves bytes unread resets the connection; in lockstep none has come.
      const name = options.lockstep ? "BrokenPipeError" : "ConnectionResetError";
      await assert.rejects(drained, { name });
      await assert.rejects(client.writer.waitClosed(), { name });
    });

    it("carries startTls(), data and the end over it", async () => {
      const [client, server] = streamPair(options);
      const { cert, key } = makeSelfSigned();
      await Promise.all([
        client.writer.startTls({ ca: cert, servername: "localhost" }),
        server.writer.startTls({ cert, key }),
      ]);
      const data = patternBytes(20_000);
      client.writer.write(data);
      server.writer.write("hello\n");
      assert.equal((await client.reader.readLine()).toString(), "hello\n");
      assert.deepEqual(await server.reader.readExactly(data.length), data);
      client.writer.close();
      assert.equal((await readAll(server)).length, 0);
      server.writer.close();
      await Promise.all([client.writer.waitClosed(), server.writer.waitClosed()]);
    });
  });
}

describe("streamPair() with lockstep", () => {
  it("hands nothing over before somebody waits for it", async () => {
    const [client, server] = streamPair(LOCKSTEP);
    client.writer.write("abc");
    await turns(2);
    assert.equal(server.reader.bufferedBytes, 0);
    assert.equal(client.writer.transport.getWriteBufferSize(), 3);
    assert.equal((await server.reader.read(100)).toString(), "abc");
  });

  it("hands nothing over after a read that was given up", async () => {
    const [client, server] = streamPair(LOCKSTEP);
    const giveUp = new AbortController();
    const read = server.reader.read(1, { signal: giveUp.signal });
    giveUp.abort(new Error("enough"));
    await assert.rejects(read, { message: "enough" });
    client.writer.write("abc");
    await turns(2);
    assert.equal(server.reader.bufferedBytes, 0);
  });

  it("hands nothing over behind what a read that does not wait has asked for", async () => {
    const [client, server] = streamPair(LOCKSTEP);
    assert.equal(server.reader.tryRead(1), undefined);
    client.writer.write("a");
    await turns(2);
    assert.equal(server.reader.tryRead(1)?.toString(), "a");
    client.writer.write("b");
    await turns(2);
    assert.equal(server.reader.bufferedBytes, 0);
    assert.equal(client.writer.transport.getWriteBufferSize(), 1);
  });

  it("hangs two ends that both drain before they read, which a buffer hides", async () => {
    const talk = async ({ reader, writer }: Connection) => {
      writer.write("hello\n");
      await writer.drain();
      await reader.readLine();
    };
    assert.ok(await isPending(Promise.all(streamPair(LOCKSTEP).map(talk))));
    await Promise.all(streamPair().map(talk));
  });

  it("ends close() when the peer has read everything", async () => {
    const [client, server] = streamPair(LOCKSTEP);
    client.writer.write("bye");
    client.writer.close();
    assert.ok(await isPending(client.writer.waitClosed()));
    assert.equal((await readAll(server)).toString(), "bye");
    await client.writer.waitClosed();
  });
});

describe("streamPair()", () => {
  it("gives both ends the clock and the limit", async () => {
    const clock = new VirtualClock();
    const [client, server] = streamPair({ clock, limit: 10 });
    const read = client.reader.read(1, { timeout: 3_600_000 });
    const failed = assert.rejects(read, { name: "TimeoutError" });
    await clock.advance(3_600_000);
    await failed;
    server.writer.write("x".repeat(20));
    await assert.rejects(client.reader.readUntil(), { name: "LimitOverrunError" });
  });

  it("takes no more than its capacity into an end whose transport is paused, even for a read that waits", async () => {
    const [client, server] = streamPair({ capacity: 4 });
    server.writer.transport.pauseReading();
    const read = server.reader.readExactly(10);
    for (const piece of ["0123", "4567", "89"]) {
      client.writer.write(piece);
      await turns(1);
    }
    assert.equal(client.writer.transport.getWriteBufferSize(), 6);
    client.writer.transport.abort();
    server.writer.transport.resumeReading();
    await assert.rejects(read, { name: "IncompleteReadError", partial: Buffer.from("0123") });
  });

  it("gives each end its addresses", () => {
    const [client, server] = streamPair();
    assert.deepEqual(client.writer.getExtraInfo("peername"), server.writer.getExtraInfo("sockname"));
    assert.deepEqual(server.writer.getExtraInfo("peername"), client.writer.getExtraInfo("sockname"));
  });

  it("refuses wrong options", () => {
    assert.throws(() => streamPair({ capacity: 0 }), RangeError);
    assert.throws(() => streamPair({ capacity: 1.5 }), RangeError);
    assert.throws(() => streamPair({ limit: 0 }), RangeError);
    assert.throws(() => streamPair({ capacity: 1, lockstep: true }), TypeError);
    assert.throws(() => streamPair({ lockstep: 1 as never }), TypeError);
    assert.throws(() => streamPair({ size: 1 } as never), TypeError);
  });
});
