import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Duplex, Readable, Transform } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import { createGunzip, createGzip } from "node:zlib";
import { ConnectionResetError, openConnection, startServer } from "asyncio-streams";
import { toDuplex } from "asyncio-streams/node";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { leavingNothing } from "../support/open-resources.js";
import { isPending, turns } from "../support/turns.js";
import { tlsConnections } from "./tls-connections.js";

const authority = makeAuthority();

describe("toDuplex()", () => {
  const cleanup = cleanups();

  function duplexAndFar() {
    const { near, far, reset } = connectedInMemory();
    return { duplex: toDuplex(near), near, far, reset };
  }

  /** What the stream tells of its end, in order. */
  function ends(duplex: Duplex): string[] {
    const told: string[] = [];
    for (const name of ["end", "finish", "close"]) duplex.on(name, () => told.push(name));
    duplex.on("error", (error: Error & { code?: string }) =>
      told.push(`error ${error.code ?? error.message}`),
    );
    return told;
  }

  /** `once` would reject with the error before it. */
  const closed = (duplex: Duplex) => new Promise((resolve) => duplex.once("close", resolve));

  /** All to the end; a loop or the functions of node:stream/consumers would destroy the stream then. */
  async function readAll(duplex: Duplex): Promise<string> {
    const chunks: unknown[] = [];
    duplex.on("data", (chunk) => chunks.push(chunk));
    await once(duplex, "end");
    return chunks.join("");
  }

  async function echoServer(): Promise<number> {
    const server = await startServer(
      (reader, writer) => {
        const duplex = toDuplex({ reader, writer });
        return pipeline(duplex, duplex);
      },
      "127.0.0.1",
      0,
    );
    cleanup(() => server[Symbol.asyncDispose]());
    return portOf(server);
  }

  it("carries bytes both ways, to the end of each, and closes the connection then", async () => {
    const { duplex, near, far } = duplexAndFar();
    const told = ends(duplex);
    far.writer.write("hello");
    far.writer.writeEof();
    assert.equal(await readAll(duplex), "hello");
    assert.equal(near.writer.isClosing(), false);
    duplex.write("one ");
    duplex.end("two");
    assert.equal((await far.reader.read()).toString(), "one two");
    await near.writer.waitClosed();
    await turns(1);
    assert.deepEqual(told, ["end", "finish", "close"]);
  });

  it("sends all that it holds, whatever the sizes, before its end", async () => {
    const { duplex, far } = duplexAndFar();
    const sizes = [0, 1, 100, 2048, 2049, 70_000, 1_000_000];
    for (const size of sizes) duplex.write(patternBytes(size, size));
    duplex.end();
    const expected = Buffer.concat(sizes.map((size) => patternBytes(size, size)));
    assert.ok((await far.reader.read()).equals(expected));
  });

  it("writes strings in their encoding, and reads strings after setEncoding()", async () => {
    const { duplex, far } = duplexAndFar();
    duplex.write("e9", "hex");
    duplex.end("é");
    assert.deepEqual([...(await far.reader.read())], [0xe9, 0xc3, 0xa9]);
    duplex.setEncoding("utf8");
    far.writer.write(Buffer.from([0xc3]));
    await turns(1);
    far.writer.write(Buffer.from([0xa9]));
    far.writer.close();
    assert.equal(await readAll(duplex), "é");
  });

  // Back-pressure.

  it("takes no more from the peer than its buffers hold while nobody reads", async () => {
    const { duplex, far } = duplexAndFar();
    far.writer.write(patternBytes(1_000_000));
    const drained = far.writer.drain();
    await turns(10);
    assert.ok(await isPending(drained));
    duplex.resume();
    await drained;
  });

  it("says that it is full until the peer takes what was written", async () => {
    const { duplex, far } = duplexAndFar();
    assert.equal(duplex.write(patternBytes(1_000_000)), false);
    const drained = once(duplex, "drain");
    await turns(10);
    assert.ok(await isPending(drained));
    await far.reader.readExactly(1_000_000);
    await drained;
  });

  it("has sent what the callback of a write is called for: its memory may be used again", async () => {
    const { connection, peer } = await connectedToSocket(cleanup);
    const duplex = toDuplex(connection);
    const memory = Buffer.alloc(50_000, "a");
    duplex.write(memory, () => {
      memory.fill("b");
      duplex.end();
    });
    assert.ok((await buffer(peer)).equals(Buffer.alloc(50_000, "a")));
    duplex.destroy();
  });

  // Loss, and destroying.

  it("gives what was received, then the loss", async () => {
    const { duplex, far, reset } = duplexAndFar();
    const told = ends(duplex);
    far.writer.write("last");
    await turns(2);
    reset();
    await turns(2);
    const chunks: string[] = [];
    duplex.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    await closed(duplex);
    assert.deepEqual(chunks, ["last"]);
    assert.deepEqual(told, ["error ECONNRESET", "close"]);
  });

  it("is destroyed with the loss while nobody reads or writes", async () => {
    const { duplex, reset } = duplexAndFar();
    const told = ends(duplex);
    reset();
    await closed(duplex);
    assert.deepEqual(told, ["error ECONNRESET", "close"]);
  });

  it("destroyed, aborts the connection and gives no end", async () => {
    for (const error of [undefined, new Error("no more")]) {
      const { duplex, near, far } = duplexAndFar();
      const told = ends(duplex.resume());
      duplex.write(patternBytes(1_000_000));
      await turns(2);
      duplex.destroy(error);
      await near.writer.waitClosed();
      await turns(2);
      assert.deepEqual(told, error === undefined ? ["close"] : ["error no more", "close"]);
      assert.ok((await far.reader.read()).length < 1_000_000);
    }
  });

  it("destroyed behind its end, before the peer's, aborts the connection", async () => {
    const { duplex, near } = duplexAndFar();
    duplex.end();
    await once(duplex, "finish");
    duplex.destroy();
    await near.writer.waitClosed();
  });

  it("fails a write that waits when somebody closes the connection, so that pipeline() tells", async () => {
    const { duplex, near } = duplexAndFar();
    const piped = pipeline(Readable.from([patternBytes(1_000_000)]), duplex);
    await turns(3);
    near.writer.transport.abort();
    await assert.rejects(piped, ConnectionResetError);
  });

  it("fails the write that comes after somebody has ended or closed the connection, without throwing", async () => {
    for (const end of ["writeEof", "close"] as const) {
      const { duplex, near } = duplexAndFar();
      const told = ends(duplex);
      near.writer[end]();
      duplex.write("x");
      await closed(duplex);
      assert.match(told[0]!, end === "close" ? /ECONNRESET/ : /ERR_INVALID_STATE/);
    }
  });

  it("fails with the reader's error when somebody else reads too", async () => {
    const { duplex, near } = duplexAndFar();
    void near.reader.readExactly(10).catch(() => {});
    await assert.rejects(text(duplex), { name: "InvalidStateError" });
    await near.writer.waitClosed();
  });

  it("over TLS its end ends the connection only with the other direction", async () => {
    const { client, server } = await tlsConnections(cleanup, authority);
    const duplex = toDuplex(client);
    duplex.end("question\n");
    await once(duplex, "finish");
    assert.equal((await server.reader.readLine()).toString(), "question\n");
    assert.equal(client.writer.isClosing(), false);
    server.writer.write("answer");
    server.writer.close();
    assert.equal(await text(duplex), "answer");
    await Promise.all([client.writer.waitClosed(), server.writer.waitClosed()]);
  });

  it("leaves nothing behind, whether it ends well or is destroyed", async () => {
    for (const how of ["ends", "destroyed"]) {
      await leavingNothing(async (undo) => {
        const { connection, peer } = await connectedToSocket(undo);
        const duplex = toDuplex(connection).resume();
        if (how === "ends") duplex.end("x");
        else duplex.destroy();
        peer.resume().end();
        await closed(duplex);
        await connection.writer.waitClosed();
      });
    }
  });

  // With real counterparts.

  it("goes into pipeline() with zlib, both ways at once", async () => {
    const duplex = toDuplex(await openConnection("127.0.0.1", await echoServer()));
    const bytes = patternBytes(5_000_000);
    const chunks: Buffer[] = [];
    await Promise.all([
      pipeline(Readable.from([bytes]), createGzip({ level: 1 }), duplex),
      pipeline(duplex, createGunzip(), async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) chunks.push(chunk);
      }),
    ]);
    assert.ok(Buffer.concat(chunks).equals(bytes));
  });

  it("passes an error within pipeline() on: the connection is aborted", async () => {
    const { duplex, near, far } = duplexAndFar();
    far.writer.write("no gzip at all");
    await assert.rejects(pipeline(duplex, createGunzip(), new Transform()), { code: "Z_DATA_ERROR" });
    await near.writer.waitClosed();
    assert.equal((await far.reader.read()).length, 0);
  });

  it("carries a request of node:http", async () => {
    const server = createServer((incoming, response) => incoming.pipe(response));
    cleanup(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const connection = await openConnection("127.0.0.1", (server.address() as AddressInfo).port);
    const asking = request({ method: "POST", createConnection: () => toDuplex(connection) });
    asking.end(patternBytes(1_000_000));
    const [response] = (await once(asking, "response")) as [Readable];
    assert.ok((await buffer(response)).equals(patternBytes(1_000_000)));
    connection.writer.transport.abort();
  });

  it("refuses what is no connection", () => {
    for (const wrong of [undefined, {}, new Duplex()]) {
      const message = /^toDuplex\(\) takes a connection, not /;
      assert.throws(() => toDuplex(wrong as never), { name: "TypeError", message });
    }
  });
});
