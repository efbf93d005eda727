import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectionResetError, startServer, openConnection } from "asyncio-streams";
import { fromDuplex } from "asyncio-streams/node";
import { toWeb } from "asyncio-streams/web";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { leavingNothing } from "../support/open-resources.js";
import { PairedDuplex } from "../support/stream-pairs.js";
import { isPending, turns } from "../support/turns.js";
import { tlsConnections } from "./tls-connections.js";

const authority = makeAuthority();

describe("toWeb()", () => {
  const cleanup = cleanups();

  function webAndFar() {
    const { near, far, reset } = connectedInMemory();
    return { ...toWeb(near), near, far, reset };
  }

  it("gives what came, chunk by chunk, and closes readable at the peer's end", async () => {
    const { readable, far } = webAndFar();
    far.writer.write("one");
    const source = readable.getReader();
    assert.deepEqual(await source.read(), { done: false, value: new Uint8Array(Buffer.from("one")) });
    far.writer.write("two");
    far.writer.writeEof();
    assert.equal(Buffer.from((await source.read()).value!).toString(), "two");
    assert.equal((await source.read()).done, true);
    await source.closed;
  });

  it("takes the reader and the writer that a server's callback gets", async () => {
    const server = await startServer(
      (reader, writer) => {
        const { readable, writable } = toWeb({ reader, writer });
        return readable.pipeTo(writable);
      },
      "127.0.0.1",
      0,
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const { readable, writable } = toWeb(await openConnection("127.0.0.1", portOf(server)));
    const sink = writable.getWriter();
    await sink.write("echo");
    await sink.close();
    assert.equal(await new Response(readable).text(), "echo");
  });

  for (const chunk of ["bytes", Buffer.from("bytes"), new Uint8Array(Buffer.from("bytes")).buffer]) {
    it(`writes a chunk that is ${chunk.constructor.name}`, async () => {
      const { writable, far } = webAndFar();
      await writable.getWriter().write(chunk);
      assert.equal((await far.reader.readExactly(5)).toString(), "bytes");
    });
  }

  it("writes a DataView, as the bytes that it shows", async () => {
    const { writable, far } = webAndFar();
    const view = new DataView(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2);
    await writable.getWriter().write(view as unknown as ArrayBuffer);
    assert.deepEqual([...(await far.reader.readExactly(2))], [1, 2]);
  });

  it("aborts the connection for a chunk that is no bytes, and both streams get the error", async () => {
    const { readable, writable, near, far } = webAndFar();
    const sink = writable.getWriter();
    await assert.rejects(sink.write(5 as unknown as string), TypeError);
    await assert.rejects(sink.closed, TypeError);
    await assert.rejects(readable.getReader().read(), TypeError);
    await near.writer.waitClosed();
    assert.equal((await far.reader.read()).length, 0);
  });

  it("closes our direction behind what was written, and the other one goes on", async () => {
    const { readable, writable, near, far } = webAndFar();
    const sink = writable.getWriter();
    void sink.write(patternBytes(300_000));
    const closed = sink.close();
    assert.ok((await far.reader.read()).equals(patternBytes(300_000)));
    await closed;
    assert.equal(near.writer.isClosing(), false);
    far.writer.write("answer");
    far.writer.close();
    assert.equal(await new Response(readable).text(), "answer");
    await near.writer.waitClosed();
  });

  it("closes the connection when both directions have ended, whichever ends first", async () => {
    for (const first of ["readable", "writable"]) {
      const { readable, writable, near, far } = webAndFar();
      const read = async () => {
        far.writer.writeEof();
        assert.equal((await readable.getReader().read()).done, true);
      };
      if (first === "readable") await read();
      await writable.close();
      if (first === "writable") {
        assert.equal(near.writer.isClosing(), false);
        await read();
      }
      assert.equal(near.writer.isClosing(), true);
      await near.writer.waitClosed();
    }
  });

  // Back-pressure.

  it("reads nothing before it is asked, so that the peer is held back", async () => {
    const { readable, far } = webAndFar();
    far.writer.write(patternBytes(1_000_000));
    const drained = far.writer.drain();
    await turns(5);
    assert.ok(await isPending(drained));
    const source = readable.getReader();
    let size = 0;
    while (size < 1_000_000) size += (await source.read()).value!.length;
    await drained;
  });

  it("lets a write wait until the peer takes it", async () => {
    const { writable, far } = webAndFar();
    const sink = writable.getWriter();
    const written = sink.write(patternBytes(2_000_000));
    await turns(5);
    assert.ok(await isPending(written));
    assert.ok(sink.desiredSize! <= 0);
    assert.ok((await far.reader.readExactly(2_000_000)).equals(patternBytes(2_000_000)));
    await written;
  });

  it("has sent what a write that has succeeded was given: its memory may be used again", async () => {
    const { connection, peer } = await connectedToSocket(cleanup);
    const sink = toWeb(connection).writable.getWriter();
    const memory = Buffer.alloc(50_000, "a");
    const written = sink.write(memory).then(() => memory.fill("b"));
    const chunks: Buffer[] = [];
    peer.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
    await written;
    await sink.close();
    await new Promise((resolve) => peer.once("end", resolve));
    assert.ok(Buffer.concat(chunks).equals(Buffer.alloc(50_000, "a")));
  });

  // Readers that bring a buffer.

  it("fills the buffer of a byob reader, and says at the end that there is nothing", async () => {
    const { readable, near, far } = webAndFar();
    const source = readable.getReader({ mode: "byob" });
    far.writer.write("abcdef");
    const first = await source.read(new Uint8Array(4));
    assert.equal(Buffer.from(first.value!).toString(), "abcd");
    const second = await source.read(new Uint8Array(first.value!.buffer));
    assert.equal(Buffer.from(second.value!).toString(), "ef");
    const third = source.read(new Uint8Array(second.value!.buffer));
    far.writer.writeEof();
    const { done, value } = await third;
    assert.equal(done, true);
    assert.equal(value!.length, 0);
    assert.equal(value!.buffer.byteLength, 4);
    near.writer.close();
    await near.writer.waitClosed();
  });

  it("can be read by turns with and without a buffer", async () => {
    const { readable, far } = webAndFar();
    far.writer.write("abcd");
    const byob = readable.getReader({ mode: "byob" });
    assert.equal(Buffer.from((await byob.read(new Uint8Array(2))).value!).toString(), "ab");
    byob.releaseLock();
    const plain = readable.getReader();
    assert.equal(Buffer.from((await plain.read()).value!).toString(), "cd");
  });

  it("tells of an end within an element of the buffer, and counts it as the end", async () => {
    const { readable, writable, near, far } = webAndFar();
    const pending = readable.getReader({ mode: "byob" }).read(new Uint16Array(2));
    far.writer.write("x");
    far.writer.writeEof();
    await assert.rejects(pending, TypeError);
    await writable.close();
    await near.writer.waitClosed();
  });

  for (const mode of ["plain", "byob"]) {
    it(`ends a ${mode} read that waits when it is cancelled, and drops what comes then`, async () => {
      const { readable, writable, near, far } = webAndFar();
      const source = mode === "byob" ? readable.getReader({ mode: "byob" }) : readable.getReader();
      const pending = (source as ReadableStreamBYOBReader).read(new Uint8Array(4));
      await turns(1);
      await source.cancel("enough");
      assert.deepEqual(await pending, { done: true, value: undefined });
      far.writer.write(patternBytes(3_000_000));
      await far.writer.drain();
      await writable.getWriter().write("still here");
      assert.equal((await far.reader.readExactly(10)).toString(), "still here");
      assert.equal(near.writer.isClosing(), false);
    });

    it(`gives a ${mode} read the loss, behind what had come`, async () => {
      const { readable, writable, far, reset } = webAndFar();
      far.writer.write("last");
      await turns(1);
      const source = mode === "byob" ? readable.getReader({ mode: "byob" }) : readable.getReader();
      const read = () => (source as ReadableStreamBYOBReader).read(new Uint8Array(10));
      reset();
      await assert.rejects(writable.getWriter().closed, ConnectionResetError);
      assert.equal(Buffer.from((await read()).value!).toString(), "last");
      await assert.rejects(read(), ConnectionResetError);
      await assert.rejects(source.closed, ConnectionResetError);
    });
  }

  // The end.

  it("closes the connection when readable is cancelled and writable closed", async () => {
    const { readable, writable, near, far } = webAndFar();
    far.writer.write(patternBytes(1_000_000));
    await readable.cancel();
    await writable.close();
    await near.writer.waitClosed();
  });

  it("aborts the connection with writable, and readable gets the reason instead of an end", async () => {
    for (const isWaiting of [true, false]) {
      const { readable, writable, near, far } = webAndFar();
      const source = readable.getReader();
      const read = isWaiting ? source.read() : undefined;
      await turns(1);
      const reason = new Error("no more");
      const [given] = await Promise.allSettled([read ?? source.closed, writable.abort(reason)]);
      assert.deepEqual(given, { status: "rejected", reason });
      await near.writer.waitClosed();
      assert.equal((await far.reader.read()).length, 0);
    }
  });

  it("fails a write that waits when somebody closes the connection", async () => {
    const { writable, near } = webAndFar();
    const sink = writable.getWriter();
    const written = sink.write(patternBytes(2_000_000));
    const refused = assert.rejects(written, ConnectionResetError);
    await turns(2);
    near.writer.transport.abort();
    await refused;
  });

  it("errors writable when the connection is lost while nobody reads or writes", async () => {
    const { writable, reset } = webAndFar();
    const sink = writable.getWriter();
    reset();
    await assert.rejects(sink.closed, ConnectionResetError);
    await assert.rejects(sink.write("x"), ConnectionResetError);
  });

  it("errors writable with the first write after somebody has closed the connection", async () => {
    const { readable, writable, near } = webAndFar();
    near.writer.close();
    await near.writer.waitClosed();
    await assert.rejects(writable.getWriter().write("x"), ConnectionResetError);
    assert.equal((await readable.getReader().read()).done, true);
  });

  it("over TLS closing writable ends the connection only with the other direction", async () => {
    const { client, server } = await tlsConnections(cleanup, authority);
    const { readable, writable } = toWeb(client);
    const sink = writable.getWriter();
    await sink.write("question\n");
    await sink.close();
    assert.equal((await server.reader.readLine()).toString(), "question\n");
    assert.equal(client.writer.isClosing(), false);
    server.writer.write("answer");
    server.writer.close();
    assert.equal(await new Response(readable).text(), "answer");
    await Promise.all([client.writer.waitClosed(), server.writer.waitClosed()]);
  });

  it("pipes through CompressionStream and DecompressionStream, over a socket and back", async () => {
    const bytes = patternBytes(3_000_000);
    const server = await startServer(
      async (reader, writer) => {
        const { readable, writable } = toWeb({ reader, writer });
        await readable
          .pipeThrough(new DecompressionStream("gzip"))
          .pipeThrough(new CompressionStream("deflate"))
          .pipeTo(writable);
      },
      "127.0.0.1",
      0,
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const { readable, writable } = toWeb(await openConnection("127.0.0.1", portOf(server)));
    const sent = new Blob([new Uint8Array(bytes)])
      .stream()
      .pipeThrough(new CompressionStream("gzip"))
      .pipeTo(writable);
    const back = new Response(readable.pipeThrough(new DecompressionStream("deflate")));
    assert.ok(Buffer.from(await back.arrayBuffer()).equals(bytes));
    await sent;
  });

  it("leaves nothing behind, whether it ends well, is cancelled or is aborted", async () => {
    for (const how of ["ends", "cancelled", "aborted"]) {
      await leavingNothing(async (undo) => {
        const { connection, peer } = await connectedToSocket(undo);
        const { readable, writable } = toWeb(connection);
        if (how === "aborted") await writable.abort();
        else await writable.close();
        if (how === "cancelled") await readable.cancel();
        peer.end();
        if (how === "ends") assert.equal(await new Response(readable).text(), "");
        await connection.writer.waitClosed();
      });
    }
  });

  it("works over a connection that is over a Duplex", async () => {
    const [near, far] = PairedDuplex.pair();
    const { readable, writable } = toWeb(fromDuplex(near));
    far.end("from below");
    assert.equal(await new Response(readable).text(), "from below");
    await writable.close();
  });

  it("refuses what is no connection", () => {
    for (const wrong of [undefined, {}, new TransformStream(), { reader: {}, writer: {} }]) {
      assert.throws(() => toWeb(wrong as never), {
        name: "TypeError",
        message: /^toWeb\(\) takes a connection, not /,
      });
    }
  });
});
