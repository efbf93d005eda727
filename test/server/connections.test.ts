import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  type Connection,
  type Server,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";
import { temporaryFolder } from "../support/folders.js";
import { leavingNothing } from "../support/open-resources.js";
import { isPending, settleDown } from "../support/pending.js";
import { servedInMemory } from "../support/served-in-memory.js";

const authority = makeAuthority();
const ssl = authority.issue();
const trust = { ssl: { ca: authority.cert }, serverHostname: "localhost" };

/** Takes what comes, and answers each with its own line. */
async function answer(server: Server): Promise<number> {
  let count = 0;
  for await (const { reader, writer } of server.connections()) {
    count++;
    void reader.readLine().then((line) => {
      writer.write(line);
      writer.close();
    });
  }
  return count;
}

async function assertAnswered({ reader, writer }: Connection): Promise<void> {
  writer.write("ping\n");
  assert.equal((await reader.read()).toString(), "ping\n");
  writer.close();
  await writer.waitClosed();
}

describe("connections()", () => {
  it("is refused by a server with a callback", async () => {
    const { server } = await servedInMemory();
    assert.throws(() => server.connections(), {
      name: "InvalidStateError",
      message: "connections() is of servers without a callback: startServer(null, …)",
    });
  });

  it("refuses wrong options, and is named when a wait times out", async () => {
    const { server, clock } = await servedInMemory({}, null);
    const message = 'connections() got an unexpected option "grace"';
    assert.throws(() => server.connections({ grace: 1 } as object), { name: "TypeError", message });
    const timedOut = assert.rejects(server.connections({ timeout: 5 }).next(), {
      name: "TimeoutError",
      message: "connections() did not end within 5 ms",
    });
    await clock.advance(5);
    await timedOut;
  });

  it("of a closed server ends behind what waited, though it is still open", async () => {
    const { server, connect } = await servedInMemory({}, null);
    await connect();
    await settleDown();
    server.close();
    const loop = server.connections();
    assert.equal((await loop.next()).done, false);
    assert.equal((await loop.next()).done, true);
  });

  it("gives frozen pairs, which stay open until they are closed", async () => {
    const { server, connect } = await servedInMemory({}, null);
    const client = await connect();
    for await (const connection of server.connections()) {
      const [reader, writer] = connection;
      assert.ok(Object.isFrozen(connection) && reader === connection.reader && writer === connection.writer);
      break;
    }
    assert.equal(await isPending(client.reader.read()), true);
  });

  it("left by break loses no connection, and two loops share them", async () => {
    const { server, connect } = await servedInMemory({}, null);
    const names: string[] = [];
    const take = async (name: string, count: number) => {
      for await (const { reader } of server.connections()) {
        names.push(name + (await reader.readLine()).toString().trim());
        if (--count === 0) break;
      }
    };
    const say = async (text: string) => (await connect()).writer.write(`${text}\n`);
    await say("1");
    await take("a", 1);
    await say("2");
    await say("3");
    await Promise.all([take("b", 2), take("c", 2), say("4"), say("5")]);
    assert.deepEqual(
      names.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
      ["a1", "b2", "c3", "b4", "c5"],
    );
  });

  it("ends when the server is closed, in its body too, after what was accepted before", async () => {
    const { server, connect } = await servedInMemory({}, null);
    const waiting = server.connections().next();
    await settleDown();
    server.close();
    assert.equal((await waiting).done, true);

    const other = await servedInMemory({}, null);
    for (let count = 0; count < 3; count++) await other.connect();
    let given = 0;
    for await (const { writer } of other.server.connections()) {
      other.server.close();
      writer.close();
      given++;
    }
    assert.equal(given, 3);
    await other.server.waitClosed();
    for await (const _ of other.server.connections()) assert.fail("there is none");
    await assert.rejects(connect(), { code: "ECONNREFUSED" });
  });

  it("bounds each wait by signal and timeout, and loses no connection", async () => {
    const { server, clock, connect } = await servedInMemory({}, null);
    const loop = server.connections({ timeout: 10 });
    for (let round = 0; round < 3; round++) {
      await clock.advance(9);
      await connect();
      assert.equal((await loop.next()).done, false);
    }
    const late = assert.rejects(loop.next(), { name: "TimeoutError" });
    await clock.advance(10);
    await late;
    await assert.rejects(server.connections({ signal: AbortSignal.abort("no") }).next(), /no/);
    await connect();
    assert.equal((await server.connections().next()).done, false);
    assert.equal(clock.pending, 0);
  });

  for (const [backlog, held] of [
    [0, 1],
    [2, 2],
    [undefined, 100],
  ] as const) {
    it(`lets backlog ${backlog ?? "of 100 by default"} connections wait, and refuses more`, async () => {
      const { server, connect } = await servedInMemory({ backlog }, null);
      const clients: Connection[] = [];
      for (let count = 0; count < held + 2; count++) clients.push(await connect());
      const ends = clients.map(({ reader }) => reader.read());
      assert.deepEqual((await Promise.all(ends.slice(held))).map(String), ["", ""]);
      assert.equal(await isPending(Promise.race(ends.slice(0, held))), true);
      await server.connections().next();
      const again = await connect();
      assert.equal(await isPending(again.reader.read()), true, "there is room again");
    });
  }

  it("keeps at most maxConnections open, and takes the next as places become free", async () => {
    const { server, connect } = await servedInMemory({ maxConnections: 2, backlog: 1 }, null);
    const clients: Connection[] = [];
    for (let count = 0; count < 4; count++) clients.push(await connect());
    assert.equal((await clients[3]!.reader.read()).length, 0, "refused");
    const loop = server.connections();
    const first = await loop.next();
    await loop.next();
    const third = loop.next();
    assert.equal(await isPending(third), true);
    first.value!.writer.close();
    assert.equal((await third).done, false);
  });

  it("counts a connection that is taken as any other", async () => {
    const { server, connect } = await servedInMemory({}, null);
    const client = await connect();
    await server.connections().next();
    server.close();
    const closed = server.waitClosed();
    assert.equal(await isPending(closed), true);
    server.closeClients();
    await closed;
    assert.equal((await client.reader.read()).length, 0);
  });

  it("does not give what was lost before it was taken", () =>
    leavingNothing(async (cleanup) => {
      const server = await startServer(null, "127.0.0.1", 0, { backlog: 1 });
      cleanup(() => server[Symbol.asyncDispose]());
      const gone = connect(portOf(server), "127.0.0.1");
      await once(gone, "connect");
      const refused = await openConnection("127.0.0.1", portOf(server));
      await refused.reader.read().catch(() => {});
      refused.writer.close();
      gone.resetAndDestroy();
      server.close();
      await server.waitClosed();
      for await (const _ of server.connections()) assert.fail("it is gone");
    }));

  it("serves TCP, TLS and Unix sockets, and leaves nothing", () =>
    leavingNothing(async (cleanup) => {
      const path = join(await temporaryFolder(cleanup), "s");
      const servers = [
        await startServer(null, "127.0.0.1", 0),
        await startServer(null, "127.0.0.1", 0, { ssl }),
        await startUnixServer(null, path),
      ] as const;
      const answered = servers.map(answer);
      for (let round = 0; round < 3; round++) {
        await assertAnswered(await openConnection("127.0.0.1", portOf(servers[0])));
        await assertAnswered(await openConnection("127.0.0.1", portOf(servers[1]), trust));
        await assertAnswered(await openUnixConnection(path));
      }
      for (const server of servers) await server.shutdown();
      assert.deepEqual(await Promise.all(answered), [3, 3, 3]);
    }));

  it("over TLS refuses without a handshake when too many wait", () =>
    leavingNothing(async (cleanup) => {
      const server = await startServer(null, "127.0.0.1", 0, { ssl, backlog: 1 });
      cleanup(() => server.shutdown());
      const { reader, writer } = await openConnection("127.0.0.1", portOf(server), trust);
      // The one that waits is ready when another one that was ready too is refused.
      const other = await openConnection("127.0.0.1", portOf(server), trust);
      await other.reader.read().catch(() => {});
      other.writer.transport.abort();
      const bare = connect(portOf(server), "127.0.0.1").on("error", () => {});
      await once(bare.resume(), "close");
      assert.equal(bare.bytesWritten, 0);
      assert.equal(await isPending(reader.read()), true);
      writer.close();
    }));

  it("over TLS reports a failed handshake, and gives one that ends after close()", () =>
    leavingNothing(async (cleanup) => {
      const errors: unknown[] = [];
      const onError = (_error: unknown, { phase }: { phase: string }) => void errors.push(phase);
      const server = await startServer(null, "127.0.0.1", 0, { ssl, onError });
      const bare = connect(portOf(server), "127.0.0.1");
      cleanup(() => bare.destroy());
      bare.on("error", () => {}).resume();
      bare.end("this is no TLS");
      await once(bare, "close");
      assert.deepEqual(errors, ["handshake"]);

      const late = connect(portOf(server), "127.0.0.1");
      await once(late, "connect");
      const first = await openConnection("127.0.0.1", portOf(server), trust);
      const loop = server.connections();
      const { value } = await loop.next();
      server.close();
      const pending = loop.next();
      assert.equal(await isPending(pending), true, "a handshake may still end well");
      const client = await openConnection({ sock: late, ...trust });
      const second = await pending;
      assert.equal(second.done, false);
      assert.equal((await loop.next()).done, true);
      for (const { writer } of [first, client, value!, second.value]) writer.close();
      await server.waitClosed();
    }));
});
