import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import {
  ConnectionResetError,
  openConnection,
  startServer,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { connectedToSocket } from "../support/connections.js";
import { leavesNothing } from "../support/leaks.js";
import { turns } from "../support/turns.js";

/** More than the buffers between two ends hold. */
const TOO_MUCH = Buffer.alloc(32 * 1_048_576);

/** As a system without buffers. */
function refuseWrites(sock: Socket): void {
  sock._write = (_chunk, _encoding, done) =>
    done(Object.assign(new Error("write ENOBUFS"), { code: "ENOBUFS", syscall: "write" }));
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.then(
    () => (pending = false),
    () => (pending = false),
  );
  await turns(20);
  return pending;
}

describe("nothing is left", () => {
  it("of a peer that never reads: drain() and waitClosed() wait, abort() ends them (41, 42)", () =>
    leavesNothing(async (cleanup) => {
      const { connection, peer } = await connectedToSocket(cleanup);
      const { writer } = connection;
      writer.write(TOO_MUCH);
      const drain = writer.drain();
      assert.ok(await isPending(drain));
      writer.close();
      const closed = writer.waitClosed();
      assert.ok(await isPending(closed));
      assert.ok(await isPending(drain));
      writer.transport.abort();
      await Promise.all([drain, closed]);
      await assert.rejects(writer.drain(), ConnectionResetError);
      assert.equal(peer.destroyed, false);
    }));

  for (const [how, die] of [
    ["resets", (peer: Socket) => peer.resetAndDestroy()],
    ["closes", (peer: Socket) => peer.destroy()],
  ] as const) {
    it(`of a peer that ${how} while drain() and a close() wait for it (53)`, () =>
      leavesNothing(async (cleanup) => {
        for (const closing of [false, true]) {
          const { connection, peer } = await connectedToSocket(cleanup);
          const { writer } = connection;
          writer.write(TOO_MUCH);
          const drains = [writer.drain(), writer.drain()];
          if (closing) writer.close();
          assert.ok(await isPending(Promise.race(drains)));
          die(peer);
          const expected = { name: /^(ConnectionResetError|BrokenPipeError)$/ };
          for (const drain of drains) await assert.rejects(drain, expected);
          await assert.rejects(writer.waitClosed(), expected);
        }
      }));
  }

  it("of a peer that vanishes between accept and callback", () =>
    leavesNothing(async () => {
      const served: [StreamReader, StreamWriter][] = [];
      let resolve!: () => void;
      const all = new Promise<void>((done) => (resolve = done));
      const onClient = (...streams: [StreamReader, StreamWriter]) => {
        if (served.push(streams) === 20) resolve();
      };
      const server = await startServer(onClient, "127.0.0.1", 0, { startServing: false });
      for (let round = 0; round < 20; round++) {
        const client = connect(portOf(server), "127.0.0.1");
        await once(client, "connect");
        if (round % 2 === 0) client.resetAndDestroy();
        else client.destroy();
      }
      await turns(5);
      await server.startServing();
      await all;
      const ends = { clean: 0, reset: 0 };
      for (const [reader, writer] of served) {
        await reader.read(10).then(
          ({ length }) => {
            assert.equal(length, 0);
            ends.clean++;
          },
          ({ code }: ConnectionResetError) => {
            assert.equal(code, "ECONNRESET");
            ends.reset++;
          },
        );
        writer.write("to nobody");
        writer.close();
        await writer.waitClosed().catch(() => {});
      }
      assert.deepEqual(ends, { clean: 10, reset: 10 });
      await server[Symbol.asyncDispose]();
    }));

  for (const aborted of [false, true]) {
    it(`of a write that the system refuses while the peer lives${aborted ? ", and an abort() right after (42)" : " (53)"}`, () =>
      leavesNothing(async (cleanup) => {
        const { connection, sock, peer } = await connectedToSocket(cleanup, "tcp", refuseWrites);
        const { reader, writer } = connection;
        peer.write("last");
        while (sock.bytesRead < 4) await turns(1);
        writer.write("refused");
        await turns(1);
        if (aborted) writer.transport.abort();
        const refused = { name: "OSError", code: "ENOBUFS" };
        assert.equal((await reader.read(10)).toString(), "last");
        if (aborted) await writer.waitClosed();
        else await assert.rejects(writer.waitClosed(), refused);
        if (!aborted) await assert.rejects(writer.drain(), refused);
      }));
  }

  it("of a callback that throws at once", () =>
    leavesNothing(async () => {
      const errors: unknown[] = [];
      const server = await startServer(
        () => {
          throw new RangeError("at once");
        },
        "127.0.0.1",
        0,
        { onError: (error) => errors.push(error) },
      );
      const { reader, writer } = await openConnection("127.0.0.1", portOf(server));
      assert.equal((await reader.read()).length, 0);
      writer.close();
      await writer.waitClosed();
      await server[Symbol.asyncDispose]();
      assert.equal(errors.length, 1);
    }));

  it("of 1 000 connections that are opened and aborted, by either side", () =>
    leavesNothing(async () => {
      const accepted: StreamWriter[] = [];
      const server = await startServer((_, writer) => void accepted.push(writer), "127.0.0.1", 0);
      for (let batch = 1; batch <= 10; batch++) {
        const opening = Array.from({ length: 100 }, () => openConnection("127.0.0.1", portOf(server)));
        const connections = await Promise.all(opening);
        while (accepted.length < batch * 100) await turns(1);
        for (const [index, { writer }] of connections.entries()) {
          if (index % 2 === 0) writer.write("dropped");
          if (batch % 2 === 0 || index % 2 === 0) writer.transport.abort();
        }
        server.abortClients();
        for (const { reader, writer } of connections) {
          await reader.read(1).catch(() => {});
          writer.close();
          await writer.waitClosed().catch(() => {});
        }
      }
      server.close();
      await server.waitClosed();
    }));

  it("on the socket of a connection, however often it is written, paused and resumed", () =>
    leavesNothing(async (cleanup) => {
      const server = await startServer((reader) => reader.read(), "127.0.0.1", 0);
      cleanup(() => server[Symbol.asyncDispose]());
      const sock = connect(portOf(server), "127.0.0.1");
      await once(sock, "connect");
      const { writer } = await openConnection({ sock });
      const listeners = () =>
        Object.fromEntries(sock.eventNames().map((name) => [name, sock.listenerCount(name)]));
      await turns(2);
      const atFirst = listeners();
      for (let round = 0; round < 100; round++) {
        writer.write(Buffer.alloc(100_000));
        await writer.drain();
        writer.transport.pauseReading();
        writer.transport.resumeReading();
      }
      while (writer.transport.getWriteBufferSize() > 0) await turns(1);
      assert.deepEqual(listeners(), atFirst);
      writer.close();
      await writer.waitClosed();
      assert.deepEqual(
        Object.keys(listeners()).filter((name) => !(name in atFirst)),
        [],
      );
    }));
});
