import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  openConnection,
  startServer,
  type ClientConnectedCallback,
  type ErrorContext,
  type Server,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { ChannelTransport } from "#src/backends/channel-transport.js";
import { createConnection } from "#src/streams/connection.js";
import { ConnectionHandler, type OnError } from "#src/streams/connection-handler.js";
import { MemoryChannel } from "#src/testing/network/socket-channel.js";
import type { TlsSettings } from "#src/transport/tls.js";
import type { StartableTransport } from "#src/transport/transport.js";
import { systemClock } from "#src/waiting/clock.js";
import { cleanups } from "../support/cleanup.js";
import { captureConsoleErrors } from "../support/console-error.js";
import { settleDown } from "../support/pending.js";

const ADDRESS = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

const network = memoryNetwork();

interface Served {
  readonly server: Server;
  readonly client: { readonly reader: StreamReader; readonly writer: StreamWriter };
}

/** A server with this callback, and one client that is connected. */
async function serve(callback: ClientConnectedCallback, options?: StartServerOptions): Promise<Served> {
  const server = await startServer(callback, "127.0.0.1", 0, { ...options, network });
  const [, port] = server.sockets[0]!.getsockname() as readonly [string, number];
  const client = await openConnection("127.0.0.1", port, { network });
  await settleDown();
  return { server, client };
}

async function isEnded({ client }: Served): Promise<boolean> {
  await settleDown();
  return client.reader.atEof();
}

/** An `onError` that keeps what it hears. */
function listenToErrors() {
  const heard: (ErrorContext & { readonly error: unknown })[] = [];
  const onError = (error: unknown, context: ErrorContext) => void heard.push({ error, ...context });
  return { heard, onError };
}

const FAILING: Readonly<Record<string, (error: Error) => unknown>> = {
  "a plain callback that throws (36)": (error) => {
    throw error;
  },
  "an async callback that throws at once (35)": async (error) => {
    throw error;
  },
  "an async callback that throws later (35)": async (error) => {
    await settleDown();
    throw error;
  },
  "a thenable that rejects": (error) => ({
    // oxlint-disable-next-line unicorn/no-thenable -- what a callback may return
    then: (_resolve: unknown, reject: (reason: unknown) => void) => reject(error),
  }),
};

describe("clientConnectedCb", () => {
  const cleanup = cleanups();

  it("is called with reader and writer, plain or async (34)", async () => {
    const echo = async (reader: StreamReader, writer: StreamWriter) => writer.write(await reader.readLine());
    for (const callback of [echo, (...streams: [StreamReader, StreamWriter]) => void echo(...streams)]) {
      const { client } = await serve(callback);
      client.writer.write("hello\n");
      assert.equal((await client.reader.readLine()).toString(), "hello\n");
    }
  });

  it("that is plain and returns keeps its connection open (35)", async () => {
    for (const returned of [undefined, 7, {}]) {
      assert.equal(await isEnded(await serve(() => returned)), false);
    }
  });

  it("that is async has its connection closed behind what it wrote, once it has settled", async () => {
    let finish!: () => void;
    const served = await serve(async (_reader, writer) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      writer.write(new Uint8Array(300_000));
    });
    assert.equal(await isEnded(served), false);
    finish();
    assert.equal((await served.client.reader.read()).length, 300_000);
  });

  it("that is async keeps its connection with autoClose: false (35)", async () => {
    assert.equal(await isEnded(await serve(async () => {}, { autoClose: false })), false);
  });

  it("gets a reader with the server's limit", async () => {
    let shown = "";
    await serve((reader) => void (shown = reader.toString()), { limit: 5 });
    assert.match(shown, /limit=5\b/);
  });

  for (const [what, callback] of Object.entries(FAILING)) {
    for (const autoClose of [true, false]) {
      it(`${what} is reported once and its connection closed, autoClose ${autoClose}`, async () => {
        const { heard, onError } = listenToErrors();
        const error = new Error("mine");
        let serverWriter: StreamWriter | undefined;
        const served = await serve(
          (_reader, writer) => {
            serverWriter = writer;
            return callback(error);
          },
          { autoClose, onError },
        );
        assert.equal(await isEnded(served), true);
        const peername = served.client.writer.getExtraInfo("sockname");
        assert.deepEqual(heard, [{ error, phase: "callback", peername, writer: serverWriter }]);
        assert.equal(served.server.isServing(), true);
      });
    }
  }

  it("that fails without onError is reported on the console, once (35, 36)", async () => {
    const calls = captureConsoleErrors(cleanup);
    const errors = [new Error("plain"), new Error("async")];
    await serve(() => {
      throw errors[0];
    });
    await serve(async () => {
      throw errors[1];
    });
    const label = "Unhandled exception in clientConnectedCb:";
    assert.deepEqual(calls, [
      [label, errors[0]],
      [label, errors[1]],
    ]);
  });

  it("that fails with what is no Error is reported with it", async () => {
    const { heard, onError } = listenToErrors();
    await serve(async () => Promise.reject(undefined), { onError });
    await serve(
      () => {
        throw "text"; // oxlint-disable-line typescript/only-throw-error -- what a callback may throw
      },
      { onError },
    );
    assert.deepEqual(
      heard.map(({ error }) => error),
      [undefined, "text"],
    );
  });

  it("is held until it settles: an error after connection and server have ended is reported, once", async () => {
    const { heard, onError } = listenToErrors();
    let fail!: (error: Error) => void;
    const task = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    const { server, client } = await serve(() => task, { onError });
    client.writer.close();
    server.abortClients();
    await server[Symbol.asyncDispose]();
    const error = new Error("late");
    fail(error);
    await settleDown();
    assert.deepEqual(
      heard.map((entry) => entry.error),
      [error],
    );
  });

  it("can be answered by onError before the connection is closed", async () => {
    const served = await serve(
      async () => {
        throw new Error("mine");
      },
      { onError: (error, { writer }) => writer!.write(`failed: ${(error as Error).message}`) },
    );
    assert.equal((await served.client.reader.read()).toString(), "failed: mine");
  });

  const FAILING_LISTENERS: Readonly<Record<string, (error: Error) => unknown>> = {
    throws: (error) => {
      throw error;
    },
    rejects: async (error) => {
      throw error;
    },
  };
  for (const [what, listener] of Object.entries(FAILING_LISTENERS)) {
    it(`that fails with an onError that ${what} is reported on the console; the server goes on`, async () => {
      const calls = captureConsoleErrors(cleanup);
      const second = new Error("of onError");
      const first = new Error("of the callback");
      const served = await serve(
        () => {
          throw first;
        },
        { onError: () => listener(second) },
      );
      assert.equal(await isEnded(served), true);
      assert.deepEqual(calls, [["onError failed with", second, "when told of", first]]);
      assert.equal(served.server.isServing(), true);
    });
  }
});

describe("ConnectionHandler", () => {
  const cleanup = cleanups();

  /** Of a server with TLS. */
  function handlerOf(serve: () => unknown, onError?: OnError): ConnectionHandler {
    const tls = {} as TlsSettings;
    return new ConnectionHandler(serve, { limit: 1, tls, autoClose: true, onError, clock: systemClock });
  }

  function opened(connection: ReturnType<ConnectionHandler["connectionAccepted"]>) {
    const owner = { connectionReady: () => {}, connectionEnded: () => {} };
    const ready = new Promise<void>((resolve) => (owner.connectionReady = resolve));
    const ended = new Promise<void>((resolve) => (owner.connectionEnded = resolve));
    connection.open(owner);
    return { ready, ended };
  }

  it("reports what could not be accepted, to onError or on the console", () => {
    const { heard, onError } = listenToErrors();
    const error = new Error("no descriptors");
    handlerOf(() => {}, onError).acceptFailed(error);
    assert.deepEqual(heard, [{ error, phase: "accept" }]);
    const calls = captureConsoleErrors(cleanup);
    handlerOf(() => {}).acceptFailed(error);
    assert.deepEqual(calls, [["A connection could not be accepted:", error]]);
  });

  it("closes a connection with TLS behind what was written to it, once its handshake has ended", async () => {
    const [channel, peer] = MemoryChannel.pair(ADDRESS, ADDRESS);
    const upgraded = new ChannelTransport(channel);
    const transport = { upgradeTls: async () => upgraded } as unknown as StartableTransport;
    const connection = handlerOf(() => {}).connectionAccepted(transport);
    const { ready, ended } = opened(connection);
    await ready;
    connection.streams.writer.write("last words");
    connection.close();
    const { reader, writer } = createConnection(new ChannelTransport(peer), { limit: 10, side: "client" });
    assert.equal((await reader.read()).toString(), "last words");
    writer.close();
    await ended;
  });

  it("does not serve a connection that is aborted in the moment when its handshake has ended", async () => {
    const calls: string[] = [];
    const upgraded = { abort: () => void calls.push("aborted") } as StartableTransport;
    const transport = { upgradeTls: async () => upgraded } as unknown as StartableTransport;
    const handler = handlerOf(
      () => calls.push("served"),
      () => calls.push("reported"),
    );
    const connection = handler.connectionAccepted(transport);
    const { ready, ended } = opened(connection);
    void ready.then(() => calls.push("ready"));
    connection.abort();
    await ended;
    assert.deepEqual(calls, ["aborted"]);
  });
});
