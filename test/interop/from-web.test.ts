import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { ConnectionResetError, InvalidStateError, type Connection } from "asyncio-streams";
import { fromWeb, toWeb } from "asyncio-streams/web";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory } from "../support/connections.js";
import { leavingNothing } from "../support/open-resources.js";
import { isPending, turns } from "../support/turns.js";

/** A connection over streams whose inner sides the test holds. */
function controlled(options?: { limit: number }) {
  let source!: ReadableStreamDefaultController<unknown>;
  const cancelled: unknown[] = [];
  const readable = new ReadableStream({
    start: (controller) => void (source = controller),
    cancel: (reason) => void cancelled.push(reason),
  });
  let sink!: WritableStreamDefaultController;
  const taken: Uint8Array[] = [];
  const ends: unknown[] = [];
  const writable = new WritableStream({
    start: (controller) => void (sink = controller),
    write: (chunk: Uint8Array) => void taken.push(chunk),
    close: () => void ends.push("closed"),
    abort: (reason) => void ends.push(reason),
  });
  const connection = fromWeb({ readable, writable }, options);
  return { connection, source, sink, taken, ends, cancelled };
}

/** A readable that brings nothing and does not end. */
const silent = () => new ReadableStream();

describe("fromWeb()", () => {
  const cleanup = cleanups();

  it("reads what the stream gives: bytes in any form, and strings as UTF-8", async () => {
    const { connection, source } = controlled();
    const CHUNKS = [
      Uint8Array.of(1),
      new Uint8Array(0),
      "é",
      "",
      new Uint8Array([2, 3]).buffer,
      new DataView(new Uint8Array([9, 4, 9]).buffer, 1, 1),
      new Uint16Array([0x0605]),
    ];
    for (const chunk of CHUNKS) source.enqueue(chunk);
    source.close();
    assert.deepEqual([...(await connection.reader.read())], [1, 0xc3, 0xa9, 2, 3, 4, 5, 6]);
  });

  for (const wrong of [5, null, undefined, {}, [1]]) {
    it(`is lost with a TypeError, behind what had come, when a chunk is ${JSON.stringify(wrong)}`, async () => {
      const { connection, source, ends, cancelled } = controlled();
      source.enqueue("good");
      source.enqueue(wrong);
      source.enqueue("after");
      assert.equal((await connection.reader.read(100)).toString(), "good");
      await assert.rejects(connection.reader.read(), TypeError);
      await assert.rejects(connection.writer.waitClosed(), TypeError);
      assert.ok(cancelled[0] instanceof TypeError);
      assert.deepEqual(ends, cancelled);
    });
  }

  it("has no socket and no addresses, and can be read by the limit it is given", async () => {
    const { connection, source } = controlled({ limit: 5 });
    for (const name of ["socket", "peername", "sockname"]) {
      assert.equal(connection.writer.getExtraInfo(name), undefined);
    }
    source.enqueue("longer than that\n");
    await assert.rejects(connection.reader.readUntil("\n"), { name: "LimitOverrunError" });
  });

  // The end.

  it("passes an end on, and our own end behind what was written", async () => {
    const { connection, source, taken, ends, cancelled } = controlled();
    source.close();
    assert.equal((await connection.reader.read()).length, 0);
    assert.equal(connection.writer.isClosing(), false);
    connection.writer.write("after the end");
    connection.writer.writeEof();
    await connection.writer.waitClosed();
    assert.equal(Buffer.concat(taken).toString(), "after the end");
    assert.deepEqual([ends, cancelled], [["closed"], []]);
  });

  it("goes on reading after writeEof()", async () => {
    const { connection, source, ends } = controlled();
    connection.writer.writeEof();
    await turns(2);
    assert.deepEqual(ends, ["closed"]);
    source.enqueue("still");
    source.close();
    assert.equal((await connection.reader.read()).toString(), "still");
    await connection.writer.waitClosed();
  });

  it("close() closes writable behind what was written, then cancels readable", async () => {
    const { connection, taken, ends, cancelled } = controlled();
    connection.writer.write(patternBytes(300_000));
    connection.writer.close();
    await connection.writer.waitClosed();
    assert.ok(Buffer.concat(taken).equals(patternBytes(300_000)));
    assert.deepEqual(ends, ["closed"]);
    assert.ok(cancelled[0] instanceof ConnectionResetError);
  });

  it("close() drops what still comes, so that a stream which has to get rid of it ends", async () => {
    const { writer } = fromWeb(new TransformStream());
    for (let round = 0; round < 20; round++) {
      writer.write(patternBytes(100_000));
      await turns(1);
    }
    assert.ok(writer.transport.getWriteBufferSize() > 0);
    writer.close();
    await writer.waitClosed();
  });

  it("abort() aborts writable and cancels readable at once, and drops what was written", async () => {
    const { connection, taken, ends, cancelled } = controlled();
    connection.writer.write("dropped");
    connection.writer.transport.abort();
    await connection.writer.waitClosed();
    assert.equal(taken.length, 0);
    assert.ok(ends[0] instanceof ConnectionResetError);
    assert.deepEqual(cancelled, ends);
  });

  it("abort() ends also with a writable that never takes anything", async () => {
    const writable = new WritableStream({ write: () => new Promise(() => {}) });
    const { writer } = fromWeb({ readable: silent(), writable });
    writer.write("stuck");
    await turns(2);
    writer.close();
    await turns(2);
    writer.transport.abort();
    await writer.waitClosed();
    assert.equal(writer.transport.getWriteBufferSize(), 0);
  });

  // Errors.

  it("is lost with an error of readable, which aborts writable", async () => {
    const { connection, source, ends } = controlled();
    const problem = new Error("from the source");
    source.error(problem);
    await assert.rejects(connection.reader.read(), problem);
    await assert.rejects(connection.writer.drain(), problem);
    await assert.rejects(connection.writer.waitClosed(), problem);
    assert.deepEqual(ends, [problem]);
  });

  it("is lost with what is no Error, made into one", async () => {
    const { connection, source } = controlled();
    source.error("only a string");
    await assert.rejects(connection.reader.read(), { message: "only a string", cause: "only a string" });
  });

  it("is lost with an error of writable as soon as something is written, behind what is there to be read", async () => {
    const { connection, source, sink, cancelled } = controlled();
    const problem = new Error("from the sink");
    sink.error(problem);
    await turns(2);
    assert.equal(connection.writer.isClosing(), false);
    source.enqueue("last words");
    connection.writer.write("x");
    await assert.rejects(
      connection.writer.drain().then(() => connection.writer.waitClosed()),
      problem,
    );
    assert.equal((await connection.reader.read(100)).toString(), "last words");
    await assert.rejects(connection.reader.read(), problem);
    assert.deepEqual(cancelled, [problem]);
  });

  it("lets drain() wait, and reads on whatever the limit, from an error of writable to the loss", async () => {
    const { connection, source, sink } = controlled({ limit: 1_000 });
    const problem = new Error("from the sink");
    sink.error(problem);
    await turns(1);
    connection.writer.write("x");
    await turns(1);
    const drained = connection.writer.drain();
    const refused = assert.rejects(drained, problem);
    for (let round = 0; round < 10; round++) {
      source.enqueue(patternBytes(5_000, round));
      assert.ok(await isPending(drained));
    }
    await refused;
    assert.equal((await connection.reader.readExactly(50_000)).length, 50_000);
    await assert.rejects(connection.reader.read(), problem);
  });

  it("gives the end that follows an error of writable no chance to pass for a regular one", async () => {
    const { connection, source, sink } = controlled();
    const problem = new Error("from the sink");
    connection.writer.write("x");
    sink.error(problem);
    source.close();
    await assert.rejects(connection.writer.waitClosed(), problem);
    await assert.rejects(connection.reader.read(), problem);
  });

  it("ends well when it is closed and nothing of it is lost, though writable had failed", async () => {
    const { connection, sink } = controlled();
    sink.error(new Error("nobody cares"));
    await turns(1);
    connection.writer.close();
    await connection.writer.waitClosed();
  });

  it("is lost with an error in closing writable", async () => {
    const problem = new Error("not closed");
    const writable = new WritableStream({ close: () => Promise.reject(problem) });
    const { writer } = fromWeb({ readable: silent(), writable });
    writer.write("x");
    writer.close();
    await assert.rejects(writer.waitClosed(), problem);
  });

  it("is lost with an error of writable while close() is sending", async () => {
    const problem = new Error("full");
    const writable = new WritableStream({ write: () => Promise.reject(problem) });
    const { writer } = fromWeb({ readable: silent(), writable });
    writer.write("x");
    writer.close();
    await assert.rejects(writer.waitClosed(), problem);
  });

  it("makes a connection of streams that have ended or failed before", async () => {
    const ended = new ReadableStream({ start: (controller) => controller.close() });
    assert.equal(
      (await fromWeb({ readable: ended, writable: new WritableStream() }).reader.read()).length,
      0,
    );
    const problem = new Error("before");
    const failed = new ReadableStream({ start: (controller) => controller.error(problem) });
    const { reader } = fromWeb({ readable: failed, writable: new WritableStream() });
    await assert.rejects(reader.read(), problem);
    const closed = new WritableStream();
    await closed.close();
    const { writer } = fromWeb({ readable: silent(), writable: closed });
    writer.write("x");
    await assert.rejects(writer.waitClosed(), { message: "The stream was closed by somebody else" });
  });

  // Back-pressure.

  it("does not ask for more than a chunk when nobody reads", async () => {
    let given = 0;
    const readable = new ReadableStream(
      { pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(++given)) },
      { highWaterMark: 0 },
    );
    const { reader } = fromWeb({ readable, writable: new WritableStream() }, { limit: 50_000 });
    await turns(10);
    const held = given;
    assert.ok(held > 10 && held <= 12, `${held} chunks were taken`);
    await reader.readExactly(500_000);
    assert.ok(given >= 50 && given <= 62, `${given} chunks were taken`);
  });

  it("lets drain() wait for a writable that takes its time", async () => {
    let take!: () => void;
    const taken = new Promise<void>((resolve) => (take = resolve));
    const writable = new WritableStream({ write: () => taken });
    const { writer } = fromWeb({ readable: silent(), writable });
    writer.write(patternBytes(100_000));
    await turns(3);
    assert.equal(writer.transport.getWriteBufferSize(), 100_000);
    const drained = writer.drain();
    assert.ok(await isPending(drained));
    take();
    await drained;
    assert.equal(writer.transport.getWriteBufferSize(), 0);
  });

  it("lets the event loop turn while write() and drain() run against a writable that takes all", async () => {
    const { writer } = fromWeb({ readable: silent(), writable: new WritableStream() });
    const turned = new AbortController();
    setImmediate(() => turned.abort());
    for (let written = 0; !turned.signal.aborted; written += 100_000) {
      assert.ok(written < 16_777_216, "the event loop is starved");
      writer.write(patternBytes(100_000));
      await writer.drain();
    }
  });

  // With real counterparts.

  it("compresses through CompressionStream", async () => {
    const { reader, writer } = fromWeb(new CompressionStream("gzip"));
    const bytes = patternBytes(2_000_000);
    const read = reader.read();
    writer.write(bytes);
    await writer.drain();
    writer.writeEof();
    assert.ok(gunzipSync(await read).equals(bytes));
    await writer.waitClosed();
  });

  it("tells of bytes that DecompressionStream refuses", async () => {
    const { reader, writer } = fromWeb(new DecompressionStream("gzip"));
    writer.write("no gzip at all");
    writer.writeEof();
    await assert.rejects(reader.read());
    await assert.rejects(writer.waitClosed());
  });

  async function httpServer(listener: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(listener as Parameters<typeof createServer>[0] & object);
    cleanup(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  it("carries a request and the response of fetch at the same time", async () => {
    const url = await httpServer((request, response) => {
      response.flushHeaders();
      request.pipe(response);
    });
    const [request, answer] = [new TransformStream(), new TransformStream()];
    const init = { method: "POST", body: request.readable, duplex: "half" };
    const answered = fetch(url, init as RequestInit).then(({ body }) => body!.pipeTo(answer.writable));
    const { reader, writer } = fromWeb({ readable: answer.readable, writable: request.writable });
    writer.write("first line\nsecond ");
    assert.equal((await reader.readLine()).toString(), "first line\n");
    const bytes = patternBytes(3_000_000);
    const rest = reader.read();
    writer.write(bytes);
    await writer.drain();
    writer.writeEof();
    assert.ok((await rest).equals(Buffer.concat([Buffer.from("second "), bytes])));
    await Promise.all([answered, writer.waitClosed()]);
  });

  it("is lost when the server breaks the response of fetch off", async () => {
    let breakOff!: () => void;
    const url = await httpServer((_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("only so much");
      breakOff = () => void response.destroy();
    });
    const { body } = await fetch(url);
    const { reader } = fromWeb({ readable: body!, writable: new WritableStream() });
    assert.equal((await reader.readExactly(12)).toString(), "only so much");
    const rest = reader.read();
    breakOff();
    await assert.rejects(rest, { name: "TypeError" });
  });

  it("breaks the response of fetch off when it is closed", async () => {
    const ended = new Promise<void>((resolve) => {
      void httpServer((_request, response) => {
        const send = () => {
          while (response.write(patternBytes(100_000)));
        };
        response.on("drain", send).on("close", resolve);
        send();
      }).then(async (url) => {
        const { body } = await fetch(url);
        const { reader, writer } = fromWeb({ readable: body!, writable: new WritableStream() });
        await reader.readExactly(1_000_000);
        writer.close();
        await writer.waitClosed();
      });
    });
    await ended;
  });

  it("is TLS on both ends, by startTls() over a pair of streams", async () => {
    const authority = makeAuthority();
    const [there, back] = [new TransformStream(), new TransformStream()];
    const client = fromWeb({ readable: back.readable, writable: there.writable });
    const server = fromWeb({ readable: there.readable, writable: back.writable });
    await Promise.all([
      client.writer.startTls({ ca: authority.cert }, { serverHostname: "localhost" }),
      server.writer.startTls(authority.issue(), { serverSide: true }),
    ]);
    const bytes = patternBytes(1_000_000);
    client.writer.write(bytes);
    client.writer.close();
    assert.ok((await server.reader.read()).equals(bytes));
    await Promise.all([client, server].map(({ writer }) => writer.waitClosed()));
  });

  it("is the connection again over what toWeb() has made of one", async () => {
    const { near, far, reset } = connectedInMemory();
    const connection: Connection = fromWeb(toWeb(near));
    connection.writer.write("there\n");
    assert.equal((await far.reader.readLine()).toString(), "there\n");
    far.writer.write("back\n");
    assert.equal((await connection.reader.readLine()).toString(), "back\n");
    far.writer.write("last");
    await turns(2);
    reset();
    assert.equal((await connection.reader.readExactly(4)).toString(), "last");
    await assert.rejects(connection.reader.read(), ConnectionResetError);
    await assert.rejects(connection.writer.waitClosed(), ConnectionResetError);
  });

  it("leaves nothing behind", async () => {
    for (const how of ["closed", "aborted", "failed"]) {
      await leavingNothing(async () => {
        const { connection, source } = controlled();
        connection.writer.write("x");
        if (how === "closed") connection.writer.close();
        if (how === "aborted") connection.writer.transport.abort();
        if (how === "failed") source.error(new Error("failed"));
        await connection.writer.waitClosed().catch(() => {});
      });
    }
  });

  // Arguments.

  it("refuses what are no streams, and locks nothing then", () => {
    const { readable, writable } = new TransformStream();
    for (const wrong of [
      undefined,
      {},
      { readable },
      { writable },
      { readable: writable, writable: readable },
    ]) {
      assert.throws(() => fromWeb(wrong as never), {
        name: "TypeError",
        message: /must be a (Read|Writ)ableStream, not /,
      });
    }
    for (const limit of [0, -1, 1.5])
      assert.throws(() => fromWeb({ readable, writable }, { limit }), RangeError);
    assert.throws(() => fromWeb({ readable, writable }, { limt: 1 } as never), TypeError);
    assert.deepEqual([readable.locked, writable.locked], [false, false]);
  });

  it("refuses streams that are locked, and locks its own", () => {
    const pair = new TransformStream();
    const writer = pair.writable.getWriter();
    assert.throws(() => fromWeb(pair), InvalidStateError);
    assert.equal(pair.readable.locked, false);
    writer.releaseLock();
    fromWeb(pair);
    assert.deepEqual([pair.readable.locked, pair.writable.locked], [true, true]);
  });
});
