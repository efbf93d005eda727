import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { ConnectionAbortedError, startServer, type ConnectionContext } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { settleDown } from "../support/pending.js";
import { servedInMemory } from "../support/served-in-memory.js";

describe("the context of a callback", () => {
  const cleanup = cleanups();

  it("has the server", async () => {
    const { server, connect, contexts } = await servedInMemory();
    await connect();
    assert.equal(contexts[0]!.server, server);
  });

  const ENDS = {
    "the peer closes and the callback does": (near: () => void, far: () => void) => [far, near],
    "the callback closes": (near: () => void) => [near],
  };
  for (const [what, steps] of Object.entries(ENDS)) {
    it(`has a signal that aborts when the connection has ended: ${what}`, async () => {
      const { connect, calls } = await servedInMemory();
      const client = await connect();
      await settleDown();
      const [, writer, { signal }] = calls[0]!;
      const order = steps(
        () => writer.close(),
        () => client.writer.close(),
      );
      for (const step of order) {
        assert.equal(signal.aborted, false);
        step();
        await settleDown();
      }
      assert.ok(signal.reason instanceof ConnectionAbortedError);
      assert.equal(signal.reason.message, "The connection has ended");
    });
  }

  it("has a signal that is aborted already if it is asked for after the end; the first reason counts", async () => {
    for (const first of ["end", "shutdown"]) {
      const { server, connect, calls } = await servedInMemory();
      await connect();
      await settleDown();
      const [, writer, context] = calls[0]!;
      const down = first === "shutdown" ? server.shutdown() : undefined;
      writer.close();
      if (first === "end") await writer.waitClosed();
      await (down ?? server.shutdown());
      assert.match(context.signal.reason.message, first === "end" ? /has ended/ : /shuts down/);
    }
  });

  it("has no signal that goes on after closeClients(), nor one that close() aborts", async () => {
    const { server, connect, contexts } = await servedInMemory();
    await connect();
    await settleDown();
    server.close();
    await settleDown();
    assert.equal(contexts[0]!.signal.aborted, false);
    server.closeClients();
    await server.waitClosed();
    assert.equal(contexts[0]!.signal.aborted, true);
  });

  it("makes its signal only if it is asked for", async () => {
    let made = 0;
    const { AbortController } = globalThis;
    globalThis.AbortController = class extends AbortController {
      constructor() {
        super();
        made++;
      }
    };
    cleanup(() => Object.assign(globalThis, { AbortController }));
    const { server, clock, connect, contexts } = await servedInMemory();
    await connect();
    await settleDown();
    // Connecting makes some.
    made = 0;
    const down = server.shutdown({ grace: 5 });
    await clock.advance(5);
    await down;
    assert.equal(made, 0);
    assert.equal(contexts[0]!.signal, contexts[0]!.signal);
    assert.equal(made, 1);
  });

  it("has a signal that aborts with the error of the loss", async () => {
    let give!: (context: ConnectionContext) => void;
    const given = new Promise<ConnectionContext>((resolve) => (give = resolve));
    const server = await startServer((_reader, _writer, context) => give(context), "127.0.0.1", 0);
    cleanup(() => server[Symbol.asyncDispose]());
    const client = connect(portOf(server), "127.0.0.1");
    await once(client, "connect");
    const { signal } = await given;
    assert.equal(signal.aborted, false);
    client.resetAndDestroy();
    await once(signal, "abort");
    assert.equal(signal.reason.name, "ConnectionResetError");
  });
});
