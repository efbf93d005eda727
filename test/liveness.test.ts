import assert from "node:assert/strict";
import { Socket } from "node:net";
import process from "node:process";
import { before, describe, it } from "node:test";
import {
  IdleTimeoutError,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  WriteStallError,
  type Connection,
  type LivenessOptions,
} from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { join } from "node:path";
import { portOf } from "./support/addresses.js";
import { makeAuthority, type Authority, type Identity } from "./support/certificates.js";
import { cleanups } from "./support/cleanup.js";
import { temporaryFolder } from "./support/folders.js";
import { leavesNothing } from "./support/leaks.js";
import { isPending, turns } from "./support/turns.js";

const cleanup = cleanups();
let authority: Authority;
let identity: Identity;
before(() => {
  authority = makeAuthority();
  identity = authority.issue();
});

type End = Pick<Connection, "reader" | "writer">;

const SIDES = ["client", "server"] as const;

/** More than the buffers of any connection hold. */
const TOO_MUCH = Buffer.alloc(32 * 1_048_576);

/** A connection in memory whose `near` end is watched by a clock that the test moves. */
async function watchedInMemory(near: (typeof SIDES)[number], liveness?: LivenessOptions, limit = 65_536) {
  const network = memoryNetwork({ autoAdvance: false });
  let accept!: (end: End) => void;
  const accepted = new Promise<End>((resolve) => (accept = resolve));
  const optionsOf = (side: string) =>
    side === near && liveness !== undefined ? { network, limit, liveness } : { network, limit };
  const server = await startServer(
    (reader, writer) => accept({ reader, writer }),
    "127.0.0.1",
    0,
    optionsOf("server"),
  );
  const client = await openConnection("127.0.0.1", portOf(server), optionsOf("client"));
  const ends = { client, server: await accepted };
  const far = near === "client" ? "server" : "client";
  return { clock: network.clock, near: ends[near], far: ends[far] };
}

function startTls(side: (typeof SIDES)[number], { writer }: End): Promise<void> {
  return writer.startTls(side === "client" ? { ca: authority.cert } : identity);
}

async function assertLost({ reader, writer }: End, pending: readonly Promise<unknown>[], name: string) {
  for (const wait of [...pending, writer.waitClosed(), writer.drain(), writer.flush(), reader.read()]) {
    await assert.rejects(wait, { name });
  }
}

describe("liveness.idle", () => {
  for (const side of SIDES) {
    it(`of a ${side}: after that long without a byte all that waits rejects, and what had come is readable`, async () => {
      const { clock, near, far } = await watchedInMemory(side, { idle: 1000 });
      const pending = [near.reader.readLine(), near.writer.waitClosed()];
      for (const wait of pending) wait.catch(() => {});
      await clock.advance(500);
      far.writer.write("came");
      await turns(2);
      await clock.advance(999);
      assert.equal(near.writer.isClosing(), false);
      near.writer.write("does not count");
      await clock.advance(1);
      const [lost] = (await Promise.allSettled(pending)) as [PromiseRejectedResult];
      assert.ok(lost.reason instanceof IdleTimeoutError);
      assert.equal(lost.reason.timeout, 1000);
      assert.equal((await near.reader.read(10)).toString(), "came");
      await assertLost(near, pending, "IdleTimeoutError");
      assert.equal(clock.pending, 0);
    });
  }

  it("does not count while the reader is full, and counts anew once it reads on", async () => {
    const { clock, near, far } = await watchedInMemory("client", { idle: 1000 }, 100);
    far.writer.write(Buffer.alloc(300));
    await turns(2);
    await clock.advance(10_000);
    assert.equal(near.writer.isClosing(), false);
    await near.reader.readExactly(300);
    await clock.advance(999);
    assert.equal(near.writer.isClosing(), false);
    await clock.advance(1);
    assert.equal(near.writer.isClosing(), true);
  });

  it("does not count once the peer has ended its direction", async () => {
    const { clock, near, far } = await watchedInMemory("client", { idle: 1000 });
    far.writer.writeEof();
    await turns(2);
    assert.equal(clock.pending, 0);
    await clock.advance(10_000);
    near.writer.write("still sent");
    near.writer.close();
    assert.equal((await far.reader.read()).toString(), "still sent");
  });

  it("does not count once close() was called", async () => {
    const { clock, near, far } = await watchedInMemory("client", { idle: 1000 });
    near.writer.write(TOO_MUCH);
    near.writer.close();
    assert.equal(clock.pending, 0);
    assert.equal((await far.reader.read()).length, TOO_MUCH.length);
    await near.writer.waitClosed();
  });
});

describe("liveness.writeStall", () => {
  for (const side of SIDES) {
    it(`of a ${side}: a peer that stops reading is given up`, async () => {
      const { clock, near, far } = await watchedInMemory(side, { writeStall: 1000 });
      far.writer.write("came");
      near.writer.write(TOO_MUCH);
      const pending = [near.writer.drain(), near.writer.flush(), near.reader.readLine()];
      for (const wait of pending) wait.catch(() => {});
      await clock.advance(1000);
      assert.equal(near.writer.isClosing(), false);
      await clock.advance(250);
      const [lost] = (await Promise.allSettled(pending)) as [PromiseRejectedResult];
      assert.ok(lost.reason instanceof WriteStallError);
      assert.equal(lost.reason.timeout, 1000);
      assert.equal((await near.reader.read(10)).toString(), "came");
      await assertLost(near, pending, "WriteStallError");
      assert.equal(clock.pending, 0);
    });
  }

  it("a peer that reads slowly but steadily is not given up, and one that stops is", async () => {
    const { clock, near, far } = await watchedInMemory("client", { writeStall: 1000 }, 100);
    near.writer.write(TOO_MUCH);
    for (let round = 0; round < 20; round++) {
      await far.reader.readExactly(70_000);
      await clock.advance(999);
    }
    assert.equal(near.writer.isClosing(), false);
    await clock.advance(1250);
    await assert.rejects(near.writer.waitClosed(), WriteStallError);
  });

  it("a connection that has nothing to send is not given up, and has no timer", async () => {
    const { clock, near, far } = await watchedInMemory("client", { writeStall: 1000 });
    for (let round = 0; round < 3; round++) {
      near.writer.write("x");
      await far.reader.readExactly(1);
      await clock.advance(10_000);
      assert.equal(clock.pending, 0);
    }
    assert.equal(near.writer.isClosing(), false);
  });

  it("ends a close() that cannot send, and waitClosed() tells", async () => {
    const { clock, near } = await watchedInMemory("client", { writeStall: 1000 });
    near.writer.write(TOO_MUCH);
    near.writer.close();
    const closed = near.writer.waitClosed();
    closed.catch(() => {});
    await clock.advance(1250);
    await assert.rejects(closed, WriteStallError);
    assert.equal(clock.pending, 0);
  });
});

describe("liveness and the end of a connection", () => {
  const ends: readonly [string, (near: End, far: End) => unknown][] = [
    ["close()", ({ writer }) => writer.close()],
    ["abort()", ({ writer }) => writer.transport.abort()],
    ["transport.reset()", ({ writer }) => writer.transport.reset()],
    ["a reset by the peer", (_, { writer }) => writer.transport.reset()],
  ];
  for (const [what, end] of ends) {
    it(`leaves no timer after ${what}`, async () => {
      const { clock, near, far } = await watchedInMemory("client", { idle: 1000, writeStall: 1000 });
      near.writer.write("x");
      assert.equal(clock.pending, 2);
      end(near, far);
      await near.writer.waitClosed().catch(() => {});
      assert.equal(clock.pending, 0);
    });
  }

  it("sets no timer when it is not asked for", async () => {
    for (const liveness of [undefined, {}, { keepAlive: true }]) {
      const { clock, near, far } = await watchedInMemory("client", liveness);
      near.writer.write(TOO_MUCH);
      far.writer.write("x");
      await near.reader.readExactly(1);
      assert.equal(clock.pending, 0);
    }
  });
});

describe("liveness and startTls()", () => {
  for (const side of SIDES) {
    it(`goes on after it, and does not count during the handshake, for a ${side}`, async () => {
      for (const kind of ["idle", "writeStall"] as const) {
        const { clock, near, far } = await watchedInMemory(side, { [kind]: 1000 });
        const upgraded = startTls(side, near);
        await clock.advance(10_000);
        // The limit of the handshake itself.
        assert.equal(clock.pending, 1);
        await Promise.all([upgraded, startTls(side === "client" ? "server" : "client", far)]);
        if (kind === "writeStall") near.writer.write(TOO_MUCH);
        await turns(5);
        await clock.advance(999);
        assert.equal(near.writer.isClosing(), false);
        await clock.advance(1000);
        await assert.rejects(near.writer.waitClosed(), {
          name: kind === "idle" ? "IdleTimeoutError" : "WriteStallError",
        });
        assert.equal(clock.pending, 0);
      }
    });
  }
});

describe("liveness over sockets", () => {
  const KINDS = ["tcp", "unix", "native TLS", "bridged TLS"] as const;

  /** A client that is watched, and the server's end, which is paused. */
  async function watched(kind: (typeof KINDS)[number], liveness: LivenessOptions, undoAfter = cleanup) {
    let accept!: (end: End) => void;
    const accepted = new Promise<End>((resolve) => (accept = resolve));
    const callback = (reader: End["reader"], writer: End["writer"]) => {
      writer.transport.pauseReading();
      accept({ reader, writer });
    };
    const truncation = kind === "bridged TLS" ? "report" : "ignore";
    const isTls = kind.endsWith("TLS");
    let near: Connection;
    let server;
    if (kind === "unix") {
      const path = join(await temporaryFolder(undoAfter), "s");
      server = await startUnixServer(callback, path);
      near = await openUnixConnection(path, { liveness });
    } else {
      const serverTls = isTls ? ({ ssl: identity, truncation } as const) : {};
      const clientTls = isTls ? ({ ssl: { ca: authority.cert }, truncation } as const) : {};
      server = await startServer(callback, "127.0.0.1", 0, serverTls);
      near = await openConnection("127.0.0.1", portOf(server), { liveness, ...clientTls });
    }
    const far = await accepted;
    undoAfter(async () => {
      for (const { writer } of [near, far]) writer.transport.abort();
      await server[Symbol.asyncDispose]();
    });
    return { near, far };
  }

  for (const kind of KINDS) {
    it(`idle gives up a silent peer, over ${kind}`, () =>
      leavesNothing(async (undoAfter) => {
        const { near } = await watched(kind, { idle: 30 }, undoAfter);
        await assert.rejects(near.reader.read(), { name: "IdleTimeoutError", timeout: 30 });
        await assert.rejects(near.writer.waitClosed(), IdleTimeoutError);
      }));

    it(`writeStall gives up a peer that does not read, over ${kind}`, () =>
      leavesNothing(async (undoAfter) => {
        const { near } = await watched(kind, { writeStall: 60 }, undoAfter);
        near.writer.write(TOO_MUCH);
        await assert.rejects(near.writer.flush(), { name: "WriteStallError", timeout: 60 });
        await assert.rejects(near.writer.waitClosed(), WriteStallError);
      }));

    it(`writeStall lets a peer read in its own time, over ${kind}`, async () => {
      const { near, far } = await watched(kind, { writeStall: 2_000 });
      near.writer.write(TOO_MUCH);
      const flush = near.writer.flush();
      far.writer.transport.resumeReading();
      for (let left = TOO_MUCH.length; left > 0;) {
        left -= (await far.reader.read(Math.min(left, 500_000))).length;
        await turns(1);
      }
      await flush;
    });
  }

  it("does not keep the process alive", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const { near } = await watched("tcp", { idle: 60_000, writeStall: 60_000 });
    near.writer.write(TOO_MUCH);
    assert.equal(timers(), before);
  });
});

describe("liveness.keepAlive", () => {
  const cases: readonly [LivenessOptions | undefined, (readonly [boolean, number])[]][] = [
    [{ keepAlive: true }, [[true, 0]]],
    [{ keepAlive: 5000 }, [[true, 5000]]],
    [{ keepAlive: false }, [[false, 0]]],
    [{}, []],
    [undefined, []],
  ];
  for (const [liveness, expected] of cases) {
    it(`${JSON.stringify(liveness)} sets it accordingly once on each end, also through startTls()`, async () => {
      const calls = new Map<Socket, (readonly [boolean, number])[]>();
      const real = Object.getOwnPropertyDescriptor(Socket.prototype, "setKeepAlive")!;
      Socket.prototype.setKeepAlive = function (this: Socket, ...given: [boolean, number]) {
        calls.set(this, [...(calls.get(this) ?? []), given]);
        return real.value.apply(this, given);
      };
      cleanup(() => Object.defineProperty(Socket.prototype, "setKeepAlive", real));
      let accept!: (end: End) => void;
      const accepted = new Promise<End>((resolve) => (accept = resolve));
      const options = liveness === undefined ? {} : { liveness };
      const callback = (reader: End["reader"], writer: End["writer"]) => accept({ reader, writer });
      const server = await startServer(callback, "127.0.0.1", 0, options);
      cleanup(() => server[Symbol.asyncDispose]());
      const client = await openConnection("127.0.0.1", portOf(server), options);
      cleanup(() => client[Symbol.asyncDispose]());
      await Promise.all([startTls("client", client), startTls("server", await accepted)]);
      assert.deepEqual([...calls.values()], expected.length === 0 ? [] : [expected, expected]);
    });
  }

  it("has no effect on Unix sockets", async () => {
    const path = join(await temporaryFolder(cleanup), "s");
    const server = await startUnixServer(() => {}, path, { liveness: { keepAlive: 1000 } });
    cleanup(() => {
      server.abortClients();
      return server[Symbol.asyncDispose]();
    });
    const client = await openUnixConnection(path, { liveness: { keepAlive: true } });
    cleanup(() => client[Symbol.asyncDispose]());
    assert.equal(await isPending(client.reader.read(1)), true);
  });
});
