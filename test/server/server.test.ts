import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  openConnection,
  startServer,
  startUnixServer,
  type Server,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import type { ConnectionOwner, ServerHandler } from "#src/server/server-handler.js";
import { ConnectionServer } from "#src/server/server.js";
import type { Listener, ListenerEvents } from "#src/transport/backend.js";
import type { StartableTransport } from "#src/transport/transport.js";
import { systemClock } from "#src/waiting/clock.js";
import { portOf } from "../support/addresses.js";
import { isPending, settleDown } from "../support/pending.js";

type Streams = readonly [reader: StreamReader, writer: StreamWriter];

/** A server in memory that keeps the streams of its connections, which stay open. */
class Setting {
  readonly network = memoryNetwork();
  readonly accepted: Streams[] = [];
  server!: Server;

  static async make(options?: StartServerOptions): Promise<Setting> {
    const setting = new Setting();
    setting.server = await startServer(
      (...streams: [StreamReader, StreamWriter]) => void setting.accepted.push(streams),
      "127.0.0.1",
      0,
      { ...options, network: setting.network },
    );
    return setting;
  }

  async connect(): Promise<Streams> {
    return openConnection("127.0.0.1", portOf(this.server), { network: this.network });
  }
}

describe("Server", () => {
  it("isServing() is true from startServing() to close() (74, 75)", async () => {
    const { server } = await Setting.make({ startServing: false });
    assert.equal(server.isServing(), false);
    await server.startServing();
    assert.equal(server.isServing(), true);
    server.close();
    assert.equal(server.isServing(), false);
  });

  it("serves at once unless told not to", async () => {
    assert.equal((await Setting.make()).server.isServing(), true);
  });

  it("sockets tell where it listens, and are none once it is closed (74)", async () => {
    const network = memoryNetwork();
    const server = await startServer(() => {}, ["127.0.0.1", "::1"], 80, { network });
    assert.deepEqual(
      server.sockets.map((socket) => socket.getsockname()),
      [
        ["127.0.0.1", 80],
        ["::1", 80, 0, 0],
      ],
    );
    assert.deepEqual(
      server.sockets.map((socket) => socket.address()),
      [
        { address: "127.0.0.1", port: 80, family: "IPv4" },
        { address: "::1", port: 80, family: "IPv6" },
      ],
    );
    server.close();
    assert.deepEqual(server.sockets, []);

    const unixServer = await startUnixServer(() => {}, "/run/echo", { network });
    const [socket] = unixServer.sockets;
    assert.deepEqual([socket!.getsockname(), socket!.address()], ["/run/echo", "/run/echo"]);
  });

  it("toString() shows the sockets, also on a console (74)", async () => {
    const network = memoryNetwork();
    const server = await startServer(() => {}, ["127.0.0.1", "::1"], 80, { network });
    assert.equal(server.toString(), `<Server sockets=(["127.0.0.1",80], ["::1",80,0,0])>`);
    assert.equal(inspect(server), server.toString());
    server.close();
    assert.equal(server.toString(), "<Server sockets=()>");
  });

  describe("startServing()", () => {
    it("is idempotent (75)", async () => {
      const { server, listener } = fakeServer();
      await server.startServing();
      await server.startServing();
      assert.equal(listener.acceptCalls, 1);
    });

    it("serves what has come before, with its bytes", async () => {
      const setting = await Setting.make({ startServing: false });
      const [, writer] = await setting.connect();
      writer.write("early\n");
      await settleDown();
      assert.equal(setting.accepted.length, 0);
      await setting.server.startServing();
      const [[reader]] = setting.accepted as [Streams];
      assert.equal((await reader.readLine()).toString(), "early\n");
    });

    it("rejects on a closed server (75)", async () => {
      const { server } = await Setting.make();
      server.close();
      await assert.rejects(server.startServing(), {
        name: "InvalidStateError",
        message: "server <Server sockets=()> is closed",
      });
    });
  });

  describe("close()", () => {
    it("frees the address at once, keeps the connections, and is idempotent (76)", async () => {
      const setting = await Setting.make();
      const { server, network, accepted } = setting;
      const port = portOf(server);
      const [reader] = await setting.connect();
      server.close();
      server.close();
      await assert.rejects(openConnection("127.0.0.1", port, { network }), { code: "ECONNREFUSED" });
      accepted[0]![1].write("still here\n");
      assert.equal((await reader.readLine()).toString(), "still here\n");
      await startServer(() => {}, "127.0.0.1", port, { network });
    });

    it("drops what waits for startServing()", async () => {
      const setting = await Setting.make({ startServing: false });
      const [reader] = await setting.connect();
      setting.server.close();
      assert.equal((await reader.read()).length, 0);
      assert.equal(setting.accepted.length, 0);
    });

    it("drops a connection that arrives after it, quietly (81)", async () => {
      const { server, listener, handled } = fakeServer();
      await server.startServing();
      server.close();
      assert.equal(listener.arrive().isClosing(), true);
      assert.equal(handled.length, 0);
    });
  });

  describe("waitClosed()", () => {
    it("waits for close(), then for the last connection (78)", async () => {
      const setting = await Setting.make();
      const { server, accepted } = setting;
      const waiting = [server.waitClosed(), server.waitClosed()];
      await setting.connect();
      await setting.connect();
      assert.equal(await isPending(waiting[0]!), true, "open");
      server.close();
      assert.equal(await isPending(waiting[0]!), true, "two connections");
      accepted[0]![1].close();
      assert.equal(await isPending(waiting[0]!), true, "one connection");
      accepted[1]![1].close();
      await Promise.all([...waiting, server.waitClosed()]);
    });

    it("given up after its timeout names itself", async () => {
      const { server } = await Setting.make();
      const message = "waitClosed() did not end within 5 ms";
      await assert.rejects(server.waitClosed({ timeout: 5 }), { name: "TimeoutError", message });
    });

    it("waits for close() also when the connections end first (78)", async () => {
      const setting = await Setting.make();
      await setting.connect();
      setting.accepted[0]![1].close();
      const waiting = setting.server.waitClosed();
      assert.equal(await isPending(waiting), true);
      setting.server.close();
      await waiting;
    });

    it("waits for a connection whose callback closes the server (78)", async () => {
      const setting = new Setting();
      setting.server = await startServer(
        (...streams: [StreamReader, StreamWriter]) => {
          setting.accepted.push(streams);
          setting.server.close();
        },
        "127.0.0.1",
        0,
        { network: setting.network },
      );
      await setting.connect();
      const waiting = setting.server.waitClosed();
      assert.equal(await isPending(waiting), true);
      setting.server.abortClients();
      await waiting;
    });

    it("resolves also when a connection is lost with an error (78)", async () => {
      const { server, listener, handled } = fakeServer();
      await server.startServing();
      listener.arrive();
      server.close();
      const waiting = server.waitClosed();
      assert.equal(await isPending(waiting), true);
      handled[0]!.end();
      await waiting;
    });
  });

  describe("serveForever()", () => {
    it("begins to serve, and resolves when the server is closed (77)", async () => {
      const setting = await Setting.make({ startServing: false });
      const { server } = setting;
      const serving = server.serveForever();
      assert.equal(await isPending(serving), true);
      assert.equal(server.isServing(), true);
      await setting.connect();
      server.close();
      await serving;
    });

    it("rejects while another call waits, and may be called again after that (77)", async () => {
      const { server } = await Setting.make();
      const serving = server.serveForever();
      await assert.rejects(server.serveForever(), {
        name: "InvalidStateError",
        message: /^server <Server .*> is already being awaited on serveForever\(\)$/,
      });
      assert.equal(server.isServing(), true);
      server.close();
      await serving;
    });

    it("rejects on a closed server (77)", async () => {
      const { server } = await Setting.make();
      server.close();
      const signal = AbortSignal.abort();
      for (const options of [undefined, undefined, { signal }]) {
        await assert.rejects(server.serveForever(options), {
          name: "InvalidStateError",
          message: "server <Server sockets=()> is closed",
        });
      }
    });

    it("closes when its signal aborts, waits for the connections, and rejects with the reason (77)", async () => {
      const setting = await Setting.make();
      const { server } = setting;
      await setting.connect();
      const controller = new AbortController();
      const serving = server.serveForever({ signal: controller.signal });
      assert.equal(await isPending(serving), true);
      controller.abort(new Error("enough"));
      assert.equal(await isPending(serving), true, "a connection is open");
      assert.equal(server.isServing(), false);
      setting.accepted[0]![1].close();
      await assert.rejects(serving, { message: "enough" });
      await assert.rejects(server.serveForever(), { name: "InvalidStateError", message: /is closed$/ });
    });

    it("aborts what is still open 30 s after its signal", async () => {
      const setting = await Setting.make();
      await setting.connect();
      const controller = new AbortController();
      const serving = setting.server.serveForever({ signal: controller.signal });
      const rejection = assert.rejects(serving, { name: "AbortError" });
      const { clock } = setting.network;
      const before = clock.now();
      controller.abort();
      await rejection;
      assert.equal(clock.now() - before, 30_000);
      assert.equal(clock.pending, 0);
    });

    it("accepts nothing with a signal that is aborted already", async () => {
      const { server, listener } = fakeServer();
      await assert.rejects(
        server.serveForever({ signal: AbortSignal.abort("before") }),
        (reason) => reason === "before",
      );
      assert.equal(listener.acceptCalls, 0);
    });

    it("closes for a signal that is aborted already", async () => {
      const { server } = await Setting.make();
      await assert.rejects(server.serveForever({ signal: AbortSignal.abort("before") }), (reason) => {
        assert.equal(reason, "before");
        return true;
      });
      assert.deepEqual(server.sockets, []);
    });

    it("leaves nothing on its signal", async () => {
      const { server } = await Setting.make();
      const { signal } = new AbortController();
      const serving = server.serveForever({ signal });
      server.close();
      await serving;
      assert.equal(getEventListeners(signal, "abort").length, 0);
    });

    it("refuses wrong options, and can be called after that", async () => {
      const { server } = await Setting.make();
      for (const [options, message] of [
        [{ signal: {} }, /^signal must be/],
        [{ timeout: 1 }, /^serveForever\(\) got an unexpected option "timeout"$/],
        [7, /^serveForever\(\) options must be an object/],
      ] as const) {
        await assert.rejects(server.serveForever(options as object), { name: "TypeError", message });
      }
      const serving = server.serveForever();
      server.close();
      await serving;
    });
  });

  it("closeClients() sends what was written, then ends each connection (79)", async () => {
    const setting = await Setting.make();
    const clients = [await setting.connect(), await setting.connect()];
    const big = new Uint8Array(300_000);
    for (const [, writer] of setting.accepted) writer.write(big);
    setting.server.closeClients();
    assert.ok(setting.accepted.every(([, writer]) => writer.isClosing()));
    for (const [reader] of clients) assert.equal((await reader.read()).length, big.length);
    for (const [, writer] of setting.accepted) await writer.waitClosed();
    assert.equal(setting.server.isServing(), true);
  });

  it("abortClients() ends each connection and drops what was written (79)", async () => {
    const setting = await Setting.make();
    const clients = [await setting.connect(), await setting.connect()];
    const big = new Uint8Array(300_000);
    for (const [, writer] of setting.accepted) writer.write(big);
    setting.server.abortClients();
    for (const [, writer] of setting.accepted) await writer.waitClosed();
    for (const [reader] of clients) assert.ok((await reader.read()).length < big.length);
    assert.equal(setting.server.isServing(), true);
  });

  it("closeClients() and abortClients() reach a connection from within its callback (79)", async () => {
    const setting = new Setting();
    setting.server = await startServer(() => setting.server.abortClients(), "127.0.0.1", 0, {
      network: setting.network,
    });
    const [reader] = await setting.connect();
    assert.equal((await reader.read()).length, 0);
  });

  describe("[Symbol.asyncDispose]()", () => {
    it("closes, and waits for the connections (80)", async () => {
      const setting = await Setting.make();
      await setting.connect();
      const disposing = setting.server[Symbol.asyncDispose]();
      assert.equal(setting.server.isServing(), false);
      assert.equal(await isPending(disposing), true);
      setting.accepted[0]![1].close();
      await disposing;
    });

    it("aborts what is still open after 30 s", async () => {
      const setting = await Setting.make();
      await setting.connect();
      const { clock } = setting.network;
      const before = clock.now();
      await setting.server[Symbol.asyncDispose]();
      assert.equal(clock.now() - before, 30_000);
      assert.equal(clock.pending, 0);
    });

    it("ends the server of an await using block, closed ones too", async () => {
      const { server: closed } = await Setting.make();
      closed.close();
      await closed[Symbol.asyncDispose]();
      const { server: outer } = await Setting.make();
      {
        await using server = outer;
        assert.equal(server.isServing(), true);
      }
      assert.deepEqual(outer.sockets, []);
    });
  });

  it("hands failures of accepting to its handler, and goes on", async () => {
    const { server, listener, failures } = fakeServer();
    await server.startServing();
    const error = new Error("no more descriptors");
    listener.events!.acceptFailed(error);
    assert.deepEqual(failures, [error]);
    assert.equal(server.isServing(), true);
  });
});

class FakeListener implements Listener {
  readonly endpoint = { kind: "unix", path: "/fake" } as const;
  events: ListenerEvents | undefined;
  acceptCalls = 0;

  accept(events: ListenerEvents): void {
    this.events = events;
    this.acceptCalls += 1;
  }

  close(): void {}

  arrive(): StartableTransport {
    let isAborted = false;
    const transport = {
      abort: () => {
        isAborted = true;
      },
      isClosing: () => isAborted,
    } as StartableTransport;
    this.events!.connectionAccepted(transport);
    return transport;
  }
}

function fakeServer() {
  const listener = new FakeListener();
  const handled: { readonly end: () => void }[] = [];
  const failures: Error[] = [];
  const handler: ServerHandler<object> = {
    connectionAccepted() {
      const nothing = () => {};
      const steps = { serve: nothing, announceShutdown: nothing, close: nothing, abort: nothing };
      const open = (owner: ConnectionOwner) => {
        handled.push({ end: () => owner.connectionEnded() });
        owner.connectionReady();
      };
      return { streams: {}, ...steps, open };
    },
    acceptFailed: (error) => void failures.push(error),
  };
  const options = { places: { most: Infinity, mostHeld: 0 }, mostWaiting: undefined };
  const server = new ConnectionServer([listener], handler, options, systemClock);
  return { server, listener, handled, failures };
}
