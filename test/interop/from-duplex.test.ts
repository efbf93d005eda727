import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { describe, it } from "node:test";
import { createGzip, gunzipSync } from "node:zlib";
import { BrokenPipeError, ConnectionResetError, InvalidStateError } from "asyncio-streams";
import { fromDuplex, toDuplex } from "asyncio-streams/node";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory } from "../support/connections.js";
import { leavingNothing } from "../support/open-resources.js";
import { PairedDuplex } from "../support/stream-pairs.js";
import { isPending, turns } from "../support/turns.js";

const authority = makeAuthority();

describe("fromDuplex()", () => {
  const cleanup = cleanups();

  function overPair(options?: { limit: number }) {
    const [duplex, peer] = PairedDuplex.pair();
    peer.on("error", () => {});
    return { connection: fromDuplex(duplex, options), duplex, peer };
  }

  /** A Duplex that brings `chunks`, and takes all. */
  function bringing(chunks: readonly unknown[]): Duplex {
    const duplex = new Duplex({ objectMode: true, read() {}, write: (_chunk, _encoding, done) => done() });
    for (const chunk of chunks) duplex.push(chunk);
    return duplex;
  }

  /** Two sockets that are connected with each other; as Node.js makes them, without half-close. */
  async function sockets(undo: (undo: () => unknown) => void): Promise<[Socket, Socket]> {
    const server = createServer();
    undo(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [far] = (await once(server, "connection")) as [Socket];
    undo(() => [near, far].map((socket) => socket.destroy()));
    return [near, far];
  }

  it("reads what the stream gives: bytes in any form, and strings as UTF-8", async () => {
    const view = new DataView(new Uint8Array([9, 4, 9]).buffer, 1, 1);
    const duplex = bringing([
      Uint8Array.of(1),
      "é",
      "",
      new Uint8Array([2]).buffer,
      view,
      Buffer.alloc(0),
      null,
    ]);
    assert.deepEqual([...(await fromDuplex(duplex).reader.read())], [1, 0xc3, 0xa9, 2, 4]);
  });

  it("is lost with a TypeError, behind what had come, when a chunk is something else", async () => {
    for (const isPaused of [true, false]) {
      const duplex = bringing(["good", { not: "bytes" }, "after"]);
      if (isPaused) duplex.pause();
      const { reader, writer } = fromDuplex(duplex);
      assert.equal((await reader.read(100)).toString(), "good");
      await assert.rejects(reader.read(), TypeError);
      await assert.rejects(writer.waitClosed(), TypeError);
      assert.ok(duplex.destroyed);
    }
  });

  it("reads a stream that was paused, and what was in it before", async () => {
    const [duplex, peer] = PairedDuplex.pair();
    peer.write("early");
    await turns(2);
    duplex.pause();
    const { reader } = fromDuplex(duplex);
    peer.end(" late");
    assert.equal((await reader.read()).toString(), "early late");
  });

  it("has no socket and no addresses, and can be read by the limit it is given", async () => {
    const { connection, peer } = overPair({ limit: 5 });
    assert.equal(connection.writer.getExtraInfo("peername"), undefined);
    peer.write("longer than that\n");
    await assert.rejects(connection.reader.readUntil("\n"), { name: "LimitOverrunError" });
  });

  // The end.

  it("keeps each direction open until it is ended, also of a stream without half-close", async () => {
    const [near, far] = await sockets(cleanup);
    assert.equal(near.allowHalfOpen, false);
    const { reader, writer } = fromDuplex(near);
    const received: Buffer[] = [];
    far.allowHalfOpen = true;
    far.on("data", (chunk: Buffer) => received.push(chunk));
    far.end("question");
    assert.equal((await reader.read()).toString(), "question");
    await turns(3);
    writer.write("answer");
    await writer.drain();
    writer.writeEof();
    await writer.waitClosed();
    await once(far, "close");
    assert.equal(Buffer.concat(received).toString(), "answer");
    assert.ok(near.destroyed);
  });

  it("close() sends what was written, and destroys the stream", async () => {
    const { connection, duplex, peer } = overPair();
    connection.writer.write(patternBytes(1_000_000));
    connection.writer.close();
    const chunks: Buffer[] = [];
    for await (const chunk of peer) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(patternBytes(1_000_000)));
    await connection.writer.waitClosed();
    assert.ok(duplex.destroyed);
  });

  it("close() goes on sending when the peer ends meanwhile", async () => {
    const { connection, peer } = overPair();
    connection.writer.write(patternBytes(1_000_000));
    connection.writer.close();
    await turns(1);
    peer.end();
    await turns(3);
    const chunks: Buffer[] = [];
    for await (const chunk of peer) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).length, 1_000_000);
    await connection.writer.waitClosed();
  });

  it("close() drops what still comes, so that a stream which has to get rid of it ends", async () => {
    const { writer } = fromDuplex(new PassThrough());
    for (let round = 0; round < 20; round++) {
      writer.write(patternBytes(100_000));
      await turns(1);
    }
    assert.ok(writer.transport.getWriteBufferSize() > 0);
    writer.close();
    await writer.waitClosed();
  });

  it("abort() destroys the stream at once, and drops what was written", async () => {
    const { connection, duplex, peer } = overPair();
    connection.writer.write("dropped");
    connection.writer.transport.abort();
    assert.ok(duplex.destroyed);
    await connection.writer.waitClosed();
    await turns(2);
    assert.equal(peer.read(), null);
  });

  for (const end of ["close", "abort"] as const) {
    it(`${end}() ends also over a stream that does not tell of its own end`, async () => {
      const write = (_chunk: unknown, _encoding: unknown, done: () => void) => done();
      const { writer } = fromDuplex(new Duplex({ emitClose: false, autoDestroy: false, read() {}, write }));
      writer.write("x");
      writer.transport[end]();
      await writer.waitClosed();
    });
  }

  // Errors.

  it("is lost with an error of the stream, which is of the system's classes where it is one of the system", async () => {
    const { connection, peer } = overPair();
    peer.write("last");
    await turns(2);
    peer.resetAndDestroy();
    assert.equal((await connection.reader.read(100)).toString(), "last");
    await assert.rejects(connection.reader.read(), ConnectionResetError);
    await assert.rejects(connection.writer.drain(), ConnectionResetError);
    const own = overPair();
    const problem = new Error("of my own");
    own.duplex.destroy(problem);
    await assert.rejects(own.connection.reader.read(), problem);
    await assert.rejects(own.connection.writer.waitClosed(), problem);
  });

  it("is lost with an error of a write", async () => {
    const { connection, peer } = overPair();
    peer.destroy();
    await turns(2);
    connection.writer.write("x");
    await assert.rejects(connection.writer.waitClosed(), BrokenPipeError);
  });

  it("is lost with an error while close() is sending", async () => {
    const { connection, peer } = overPair();
    connection.writer.write(patternBytes(1_000_000));
    connection.writer.close();
    await turns(2);
    peer.resetAndDestroy();
    await assert.rejects(connection.writer.waitClosed(), ConnectionResetError);
  });

  for (const who of ["destroys", "ends"] as const) {
    it(`is lost when somebody else ${who} the stream, also while close() is sending`, async () => {
      for (const isClosing of [false, true]) {
        const { connection, duplex, peer } = overPair();
        if (isClosing) {
          connection.writer.write(patternBytes(1_000_000));
          connection.writer.close();
        }
        await turns(1);
        if (who === "destroys") duplex.destroy();
        else if (isClosing) peer.destroy();
        else duplex.end();
        await assert.rejects(connection.writer.waitClosed(), {
          name: /ConnectionResetError|BrokenPipeError/,
        });
      }
    });
  }

  it("is lost from the start over a stream that was destroyed, with its error", async () => {
    const problem = new Error("before");
    for (const error of [undefined, problem]) {
      const [duplex] = PairedDuplex.pair();
      duplex.on("error", () => {}).destroy(error);
      for (const wait of [0, 5]) {
        await turns(wait);
        const { reader, writer } = fromDuplex(duplex);
        const expected = error ?? { message: "The stream was destroyed before its end" };
        await assert.rejects(reader.read(), expected);
        await assert.rejects(writer.waitClosed(), expected);
      }
    }
  });

  it("gives what was in a stream that was destroyed before, then its error", async () => {
    for (const wait of [0, 1, 5]) {
      const [duplex, peer] = PairedDuplex.pair();
      peer.on("error", () => {}).write("last");
      await turns(2);
      duplex.on("error", () => {}).destroy(new Error("before"));
      await turns(wait);
      const { reader } = fromDuplex(duplex);
      assert.equal((await reader.readExactly(4)).toString(), "last");
      await assert.rejects(reader.read(), { message: "before" });
    }
  });

  it("can be made when the other direction has ended", async () => {
    const [duplex, peer] = PairedDuplex.pair();
    peer.end();
    await once(duplex.resume(), "end");
    const { reader, writer } = fromDuplex(duplex);
    assert.equal((await reader.read()).length, 0);
    writer.write("answer");
    writer.writeEof();
    assert.equal((await peer.toArray()).join(""), "answer");
    await writer.waitClosed();
  });

  it("gives no error to the process when the stream fails after the end", async () => {
    const { connection, duplex, peer } = overPair();
    peer.end();
    peer.resume();
    connection.writer.close();
    await connection.writer.waitClosed();
    duplex.emit("error", new Error("late"));
  });

  // Back-pressure.

  it("takes no more than its buffers hold when nobody reads", async () => {
    const { connection, peer } = overPair();
    let taken = 0;
    for (let round = 0; round < 50; round++) peer.write(patternBytes(100_000), () => (taken += 100_000));
    await turns(300);
    assert.ok(taken < 1_000_000, `${taken} bytes were taken`);
    await connection.reader.readExactly(5_000_000);
  });

  it("counts the bytes that the stream has not passed on, also where that counts objects", async () => {
    const waiting: (() => void)[] = [];
    const write = (_chunk: Buffer, _encoding: unknown, done: () => void) => void waiting.push(done);
    for (const objectMode of [true, false]) {
      const { writer } = fromDuplex(new Duplex({ objectMode, write, read() {} }));
      writer.write(patternBytes(100_000));
      await turns(1);
      assert.equal(writer.transport.getWriteBufferSize(), 100_000);
      const drained = writer.drain();
      assert.ok(await isPending(drained));
      waiting.pop()!();
      await drained;
      assert.equal(writer.transport.getWriteBufferSize(), 0);
    }
  });

  it("ends drain() when all is passed on, in whatever order the stream tells of it", async () => {
    const waiting: (() => void)[] = [];
    const duplex = new Duplex({ read() {} });
    duplex.write = (_chunk: unknown, done: unknown) => waiting.push(done as () => void) > 0;
    const { writer } = fromDuplex(duplex);
    for (const size of [50_000, 50_000]) writer.write(patternBytes(size));
    const drained = writer.drain();
    await turns(1);
    assert.equal(waiting.length, 2);
    while (waiting.length > 0) {
      assert.ok(await isPending(drained));
      waiting.pop()!();
    }
    await drained;
  });

  it("lets the event loop turn while write() and drain() run against a stream that takes all", async () => {
    const { writer } = fromDuplex(bringing([]));
    const turned = new AbortController();
    setImmediate(() => turned.abort());
    for (let written = 0; !turned.signal.aborted; written += 100_000) {
      assert.ok(written < 16_777_216, "the event loop is starved");
      writer.write(patternBytes(100_000));
      await writer.drain();
    }
  });

  // With real counterparts.

  it("compresses through zlib", async () => {
    const { reader, writer } = fromDuplex(createGzip({ level: 1 }));
    const read = reader.read();
    writer.write(patternBytes(2_000_000));
    await writer.drain();
    writer.writeEof();
    assert.ok(gunzipSync(await read).equals(patternBytes(2_000_000)));
    await writer.waitClosed();
  });

  it("is TLS after startTls(), with a server of node:tls", async () => {
    const server = createTlsServer(authority.issue(), (socket) => socket.pipe(socket));
    cleanup(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const { reader, writer } = fromDuplex(socket);
    await writer.startTls({ ca: authority.cert }, { serverHostname: "localhost" });
    assert.equal(writer.getExtraInfo("tlsVersion"), "TLSv1.3");
    const bytes = patternBytes(2_000_000);
    writer.write(bytes);
    assert.ok((await reader.readExactly(bytes.length)).equals(bytes));
    writer.close();
    await writer.waitClosed();
    assert.ok(socket.destroyed);
  });

  it("frees the stream when startTls() fails", async () => {
    const { connection, duplex, peer } = overPair();
    peer.on("data", () => peer.write("this is no TLS\r\n"));
    await assert.rejects(connection.writer.startTls(true, { serverHostname: "localhost" }));
    await connection.writer.waitClosed().catch(() => {});
    assert.ok(duplex.destroyed);
  });

  it("is a connection over a TLSSocket", async () => {
    const server = createTlsServer(authority.issue(), (socket) => socket.pipe(socket));
    cleanup(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket: TLSSocket = connectTls({ host: "127.0.0.1", port, ca: authority.cert });
    const { reader, writer } = fromDuplex(socket);
    writer.write(patternBytes(500_000));
    assert.ok((await reader.readExactly(500_000)).equals(patternBytes(500_000)));
    writer.writeEof();
    assert.equal((await reader.read()).length, 0);
    await writer.waitClosed();
  });

  it("is the connection again over what toDuplex() has made of one", async () => {
    const { near, far, reset } = connectedInMemory();
    const { reader, writer } = fromDuplex(toDuplex(near));
    writer.write("there\n");
    assert.equal((await far.reader.readLine()).toString(), "there\n");
    far.writer.write("back\n");
    assert.equal((await reader.readLine()).toString(), "back\n");
    far.writer.write("last");
    await turns(2);
    reset();
    assert.equal((await reader.readExactly(4)).toString(), "last");
    await assert.rejects(reader.read(), ConnectionResetError);
    await assert.rejects(writer.waitClosed(), ConnectionResetError);
  });

  it("leaves nothing behind", async () => {
    for (const how of ["closed", "aborted", "failed"]) {
      await leavingNothing(async (undo) => {
        const [near, far] = await sockets(undo);
        far.resume().on("error", () => {});
        const { writer } = fromDuplex(near);
        writer.write("x");
        if (how === "closed") writer.close();
        if (how === "aborted") writer.transport.abort();
        if (how === "failed") near.destroy(new Error("failed"));
        await writer.waitClosed().catch(() => {});
        far.destroy();
      });
    }
  });

  // Arguments.

  it("refuses what is no Duplex", () => {
    const message = /^fromDuplex\(\) takes a stream of node:stream that can be (read|written), not /;
    for (const wrong of [undefined, "x", {}, new TransformStream(), process.stdin.constructor]) {
      assert.throws(() => fromDuplex(wrong as never), { name: "TypeError", message });
    }
    for (const limit of [0, -1, 1.5])
      assert.throws(() => fromDuplex(new PassThrough(), { limit }), RangeError);
    assert.throws(() => fromDuplex(new PassThrough(), { limt: 1 } as never), TypeError);
  });

  it("refuses one with an encoding, and one that was ended", () => {
    assert.throws(() => fromDuplex(new PassThrough({ encoding: "utf8" })), InvalidStateError);
    assert.throws(() => fromDuplex(new PassThrough().end()), InvalidStateError);
  });
});
