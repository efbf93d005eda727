import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { startServer, type ClientConnectedCallback, type StartServerOptions } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";
import { leavingNothing } from "../support/open-resources.js";
import { isPending, settleDown } from "../support/pending.js";
import { servedInMemory } from "../support/served-in-memory.js";
import { HALF_RECORD } from "../support/tls-peers.js";

const SHUTS_DOWN = { name: "ConnectionAbortedError", message: "The server of this connection shuts down" };

/** Ends when it is told to. */
const obedient: ClientConnectedCallback = async (_reader, _writer, { signal }) => {
  if (!signal.aborted) await once(signal, "abort");
};
const hanging: ClientConnectedCallback = () => new Promise(() => {});

describe("shutdown()", () => {
  it("stops accepting, aborts the callbacks' signals, and tells how many connections ended by themselves", async () => {
    const { server, clock, connect, contexts } = await servedInMemory({}, obedient);
    const clients = [await connect(), await connect()];
    await settleDown();
    const signals = contexts.map(({ signal }) => signal);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, false],
    );
    const down = server.shutdown();
    assert.equal(server.isServing(), false);
    for (const { reason } of signals)
      assert.deepEqual({ name: reason.name, message: reason.message }, SHUTS_DOWN);
    await assert.rejects(connect(), { code: "ECONNREFUSED" });
    assert.deepEqual(await down, { ended: 2, aborted: 0 });
    for (const { reader } of clients) assert.equal((await reader.read()).length, 0);
    assert.equal(clock.pending, 0);
  });

  it("aborts after grace what has not ended, and does not wait for a callback that hangs", async () => {
    for (const [options, grace] of [[{ grace: 7 }, 7] as const, [undefined, 30_000] as const]) {
      const { server, clock, connect, calls } = await servedInMemory({}, hanging);
      const clients = [await connect(), await connect(), await connect()];
      await settleDown();
      const down = server.shutdown(options);
      clients[1]!.writer.close();
      await clock.advance(grace - 1);
      calls[1]![1].close();
      assert.equal(await isPending(down), true);
      await clock.advance(1);
      assert.deepEqual(await down, { ended: 1, aborted: 2 });
      assert.equal(clock.pending, 0);
      await server.waitClosed();
    }
  });

  it("refuses wrong options, and the server goes on", async () => {
    const { server } = await servedInMemory();
    for (const [options, name, message] of [
      [{ timeout: 1 }, "TypeError", /^shutdown\(\) got an unexpected option "timeout"$/],
      [{ grace: "1" }, "TypeError", /^grace must be/],
      [{ grace: -1 }, "RangeError", /^grace must be/],
      [{ signal: {} }, "TypeError", /^signal must be/],
    ] as const) {
      await assert.rejects(server.shutdown(options as object), { name, message });
    }
    assert.equal(server.isServing(), true);
  });

  it("with grace: 0 tells the callbacks, and aborts all at once", async () => {
    const { server, clock, connect, contexts } = await servedInMemory({}, obedient);
    await connect();
    const [{ signal }] = contexts as [(typeof contexts)[0]];
    const down = server.shutdown({ grace: 0 });
    assert.equal(signal.reason.message, SHUTS_DOWN.message);
    assert.equal(clock.pending, 0);
    assert.deepEqual(await down, { ended: 0, aborted: 1 });
  });

  it("called twice joins the first call, and the earlier limit holds", async () => {
    for (const [first, second, limit] of [
      [1_000, 50, 60],
      [1_000, 5_000, 1_000],
      [1_000, 0, 10],
    ] as const) {
      const { server, clock, connect } = await servedInMemory();
      await connect();
      const downs = [server.shutdown({ grace: first })];
      await clock.advance(10);
      downs.push(server.shutdown({ grace: second }));
      await clock.advance(Math.max(0, limit - 11));
      if (limit > 10) assert.equal(await isPending(Promise.race(downs)), true);
      await clock.advance(1);
      for (const down of [...downs, server.shutdown()])
        assert.deepEqual(await down, { ended: 0, aborted: 1 });
      assert.equal(clock.pending, 0);
    }
  });

  it("works after close(), with connections and without", async () => {
    const { server, connect, calls } = await servedInMemory();
    await connect();
    await settleDown();
    server.close();
    const down = server.shutdown();
    assert.equal(await isPending(down), true);
    calls[0]![1].close();
    assert.deepEqual(await down, { ended: 1, aborted: 0 });
    const { server: unused } = await servedInMemory();
    unused.close();
    assert.deepEqual(await unused.shutdown(), { ended: 0, aborted: 0 });
  });

  it("is the end also for [Symbol.asyncDispose]() and serveForever(), which tell no callback and go by the server's clock", async () => {
    const { server, clock, connect, contexts } = await servedInMemory();
    await connect();
    await settleDown();
    const serving = server.serveForever();
    const disposing = server[Symbol.asyncDispose]();
    await serving;
    await clock.advance(29_999);
    assert.equal(contexts[0]!.signal.aborted, false);
    assert.equal(await isPending(disposing), true);
    await clock.advance(1);
    await disposing;
    assert.equal(clock.pending, 0);
    assert.deepEqual(await server.shutdown(), { ended: 0, aborted: 0 });
  });

  it("counts as aborted what abortClients() aborts meanwhile", async () => {
    const { server, connect } = await servedInMemory();
    await connect();
    const down = server.shutdown();
    server.abortClients();
    assert.deepEqual(await down, { ended: 0, aborted: 1 });
  });

  describe("signal", () => {
    it("aborts the rest at once, and rejects with its reason once all have ended; others that wait get the counts", async () => {
      for (const early of [true, false]) {
        const { server, clock, connect } = await servedInMemory();
        await connect();
        const controller = new AbortController();
        const reason = new Error("enough");
        if (early) controller.abort(reason);
        const patient = server.shutdown();
        let hasEnded = false;
        void server.waitClosed().then(() => (hasEnded = true));
        const down = server.shutdown({ signal: controller.signal });
        if (!early) assert.equal(await isPending(down), true);
        controller.abort(reason);
        await assert.rejects(down, reason);
        assert.equal(hasEnded, true);
        assert.deepEqual(await patient, { ended: 0, aborted: 1 });
        assert.equal(clock.pending, 0);
      }
    });

    it("is left alone afterwards", async () => {
      const { server } = await servedInMemory();
      const { signal } = new AbortController();
      await server.shutdown({ signal });
      assert.equal(getEventListeners(signal, "abort").length, 0);
    });
  });

  it("called by a callback as the connection arrives, or as its signal aborts, shuts down all", async () => {
    const arriving = await servedInMemory(
      {},
      (_reader, _writer, { server }) => void server.shutdown({ grace: 5 }),
    );
    await arriving.connect();
    await assert.rejects(arriving.connect(), { code: "ECONNREFUSED" });
    await arriving.clock.advance(5);
    assert.deepEqual(await arriving.server.shutdown(), { ended: 0, aborted: 1 });

    const told = await servedInMemory({}, (_reader, writer, { server, signal }) => {
      signal.addEventListener("abort", () => {
        writer.close();
        void server.shutdown({ grace: 1 });
      });
    });
    await told.connect();
    await told.connect();
    assert.deepEqual(await told.server.shutdown(), { ended: 2, aborted: 0 });
  });

  it("awaited by a callback, it aborts its connection after grace", async () => {
    const results: unknown[] = [];
    const { server, clock, connect } = await servedInMemory({}, async (_reader, _writer, context) => {
      results.push(await context.server.shutdown({ grace: 5 }));
    });
    await connect();
    await clock.advance(5);
    await server.waitClosed();
    await settleDown();
    assert.deepEqual(results, [{ ended: 0, aborted: 1 }]);
  });

  it("drops what waits for startServing()", async () => {
    const { server, connect, calls } = await servedInMemory({ startServing: false });
    const { reader } = await connect();
    assert.deepEqual(await server.shutdown(), { ended: 0, aborted: 0 });
    assert.equal((await reader.read()).length, 0);
    assert.equal(calls.length, 0);
  });

  it("drops what is held for a place", async () => {
    const { server, connect, calls } = await servedInMemory({ maxConnections: 1 });
    const [{ reader: _ }, { reader: held }] = [await connect(), await connect()];
    const down = server.shutdown();
    assert.equal((await held.read()).length, 0);
    calls[0]![1].close();
    assert.deepEqual(await down, { ended: 1, aborted: 0 });
    assert.equal(calls.length, 1);
  });

  it("of a server without a callback waits for the taken connections, and drops what waits; loops end", async () => {
    const { server, clock, connect } = await servedInMemory({}, null);
    const clients = [await connect(), await connect(), await connect()];
    const loop = server.connections();
    await loop.next();
    await loop.next();
    const down = server.shutdown({ grace: 5 });
    assert.deepEqual(await loop.next(), { value: undefined, done: true });
    assert.equal((await clients[2]!.reader.read()).length, 0);
    assert.equal(await isPending(down), true);
    await clock.advance(5);
    assert.deepEqual(await down, { ended: 0, aborted: 2 });
  });

  const identity = makeAuthority().issue();
  const NETWORKS: Readonly<Record<string, StartServerOptions>> = {
    TCP: {},
    TLS: { ssl: identity },
    "TLS with truncation: report": { ssl: identity, truncation: "report" },
  };

  /** A bare client, which only reads when asked. */
  async function dial(
    cleanup: (undo: () => unknown) => void,
    port: number,
    options: StartServerOptions,
  ): Promise<Socket> {
    const isTls = options.ssl !== undefined;
    const where = { port, host: "127.0.0.1" };
    const socket = isTls ? connectTls({ ...where, rejectUnauthorized: false }) : connectSocket(where);
    socket.on("error", () => {});
    cleanup(() => socket.destroy());
    await once(socket, isTls ? "secureConnect" : "connect");
    return socket;
  }

  for (const [network, options] of Object.entries(NETWORKS)) {
    for (const [when, isTold] of [
      ["returned", false],
      ["been told, which then returns", true],
    ] as const) {
      it(`over ${network} loses no byte of a callback that has ${when}, with a peer that reads slowly`, () =>
        leavingNothing(async (cleanup) => {
          const size = 8 * 1024 * 1024;
          const data = Buffer.alloc(size, "0123456789abcdef0");
          let begin!: () => void;
          const begun = new Promise<void>((resolve) => (begin = resolve));
          const serve: ClientConnectedCallback = async (reader, writer, { signal }) => {
            await reader.readLine();
            begin();
            if (isTold) await once(signal, "abort");
            writer.write(data);
          };
          const server = await startServer(serve, "127.0.0.1", 0, options);
          const socket = await dial(cleanup, portOf(server), options);
          socket.write("please\n");
          await begun;
          const down = server.shutdown();
          const received: Buffer[] = [];
          let count = 0;
          for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
            received.push(chunk as Buffer);
            count += (chunk as Buffer).length;
            // node:tls of Deno does not tell of an end that comes while it is paused.
            if (count === size) break;
            await settleDown();
          }
          socket.end();
          assert.ok(Buffer.concat(received).equals(data));
          assert.deepEqual(await down, { ended: 1, aborted: 0 });
        }));
    }

    it(`over ${network} during accept ends every client, and leaves nothing`, () =>
      leavingNothing(async (cleanup) => {
        for (const turns of [0, 1, 2, 3]) {
          const server = await startServer(obedient, "127.0.0.1", 0, options);
          const port = portOf(server);
          const sockets = Array.from({ length: 10 }, () => {
            const socket = connectSocket(port, "127.0.0.1").on("error", () => {});
            cleanup(() => socket.destroy());
            return socket;
          });
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          const { aborted } = await server.shutdown();
          assert.equal(aborted, 0);
          for (const socket of sockets)
            if (!socket.resume().closed) await new Promise((end) => socket.once("close", end));
        }
      }));
  }

  for (const truncation of ["ignore", "report"] as const) {
    it(`gives up TLS handshakes, with truncation: ${truncation}, and reports none`, () =>
      leavingNothing(async (cleanup) => {
        const errors: unknown[] = [];
        const onError = (error: unknown) => void errors.push(error);
        const options = { ssl: identity, truncation, onError };
        const greet: ClientConnectedCallback = (_reader, writer, context) => {
          writer.write("hello");
          return obedient(_reader, writer, context);
        };
        const server = await startServer(greet, "127.0.0.1", 0, options);
        const sockets = [await dial(cleanup, portOf(server), {}), await dial(cleanup, portOf(server), {})];
        sockets[1]!.write(HALF_RECORD);
        // It comes last, so the others are accepted when it is served.
        await once(await dial(cleanup, portOf(server), options), "data");
        assert.deepEqual(await server.shutdown(), { ended: 1, aborted: 0 });
        for (const socket of sockets) if (!socket.resume().closed) await once(socket, "close");
        assert.deepEqual(errors, []);
      }));
  }
});
