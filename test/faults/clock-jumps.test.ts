import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openConnection, startServer, type Connection, type Server } from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { portOf } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { watchResources } from "../support/open-resources.js";
import { turns } from "../support/turns.js";

const HOUR = 3_600_000;

type End = Pick<Connection, "reader" | "writer">;

/** A connection in memory, whose client is lost after a second without a byte. */
async function connected() {
  const network = memoryNetwork({ autoAdvance: false });
  let accept!: (end: End) => void;
  const accepted = new Promise<End>((resolve) => (accept = resolve));
  const server = await startServer((reader, writer) => accept({ reader, writer }), "127.0.0.1", 0, {
    network,
  });
  const client = await openConnection("127.0.0.1", portOf(server), { network, liveness: { idle: 1000 } });
  return { network, clock: network.clock, client, far: await accepted, server };
}

async function nameOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => "none",
    (error: unknown) => (error as Error).name,
  );
}

describe("Time that jumps by an hour", () => {
  it("ends each wait that was due with its own error, once, and leaves no timer", async () => {
    const { network, clock, client, far, server } = await connected();
    const limit = network.deadline(700);
    far.writer.write(Buffer.alloc(32 * 1_048_576));
    const outcomes = [
      nameOf(far.reader.readLine({ timeout: 500 })),
      nameOf(far.writer.drain({ timeout: 2000 })),
      nameOf(far.writer.waitClosed({ signal: limit.signal })),
      nameOf(openConnection("far.test", 1, { network, timeout: 100, lookup: () => {} })),
    ];
    await turns(2);
    await clock.jump(HOUR);
    client.writer.transport.abort();
    assert.deepEqual(await Promise.all(outcomes), Array(4).fill("TimeoutError"));
    assert.equal(limit.extend(HOUR), false);
    far.writer.transport.abort();
    await server.shutdown({ grace: 0 });
    assert.equal(clock.pending, 0);
  });

  it("loses an idle connection, but none over which bytes have come meanwhile", async () => {
    const { clock, client, far } = await connected();
    far.writer.write("came\n");
    await clock.jump(HOUR);
    assert.equal((await client.reader.readLine()).toString(), "came\n");
    await clock.jump(HOUR);
    assert.equal(await nameOf(client.reader.readLine()), "IdleTimeoutError");
    assert.equal(clock.pending, 0);
  });

  it("is over for a shutdown's grace at once", async () => {
    const { clock, server } = await connected();
    const shutdown = server.shutdown({ grace: 1000 });
    await clock.jump(HOUR);
    assert.deepEqual(await shutdown, { ended: 0, aborted: 1 });
  });
});

describe("liveness.idle over a real socket", () => {
  const cleanup = cleanups();

  it("does not end a connection over which bytes have come while the event loop was busy", async () => {
    const nothingLeft = await watchResources();
    let accept!: (end: End) => void;
    const accepted = new Promise<End>((resolve) => (accept = resolve));
    const server: Server = await startServer((reader, writer) => accept({ reader, writer }), "127.0.0.1", 0);
    cleanup(() => server[Symbol.asyncDispose]());
    const client = await openConnection("127.0.0.1", portOf(server), { liveness: { idle: 200 } });
    const far = await accepted;
    for (let round = 0; round < 3; round++) {
      far.writer.write("came\n");
      await far.writer.flush();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      assert.equal((await client.reader.readLine()).toString(), "came\n");
    }
    client.writer.close();
    far.writer.close();
    await Promise.all([client.writer.waitClosed(), far.writer.waitClosed(), server[Symbol.asyncDispose]()]);
    await nothingLeft();
  });
});
