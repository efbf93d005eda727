import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { before, describe, it } from "node:test";
import {
  CertificateError,
  ConnectionError,
  ConnectionResetError,
  PlaintextBufferedError,
  TlsHandshakeTimeoutError,
  TlsError,
  type StartTlsOptions,
  type StreamReader,
  type StreamWriter,
  type TlsOptions,
} from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority, makeSelfSigned, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { watchResources } from "../support/open-resources.js";
import { plainPair, WAYS, type PlainPair } from "../support/plain-pairs.js";
import { SELF_SIGNED } from "../support/runtime.js";
import { shortTurns } from "../support/turns.js";

const cleanup = cleanups();
let trust: TlsOptions;
let identity: Identity;
let untrusted: Identity;
before(() => {
  const authority = makeAuthority();
  trust = { ca: authority.cert };
  identity = authority.issue();
  untrusted = makeSelfSigned();
});

/** Closed while it waits for room, or for the peer. */
const closedDuring = (what: "startTls()" | "the TLS handshake") => ({
  name: "ConnectionAbortedError",
  message: `The connection was closed during ${what}`,
});

/** Everything that is locked while the handshake runs. */
const LOCKED: readonly (readonly [
  name: string,
  call: (reader: StreamReader, writer: StreamWriter) => unknown,
])[] = [
  ["read", (reader) => reader.read(1)],
  ["read", (reader) => reader.read(0)],
  ["read", (reader) => reader.read()],
  ["readExactly", (reader) => reader.readExactly(1)],
  ["readUntil", (reader) => reader.readUntil()],
  ["readUntil", (reader) => reader.readLine()],
  ["readUntil", (reader) => reader[Symbol.asyncIterator]().next()],
  ["write", (_, writer) => writer.write("plain")],
  ["write", (_, writer) => writer.write("")],
  ["writeLines", (_, writer) => writer.writeLines(["plain"])],
  ["writeEof", (_, writer) => writer.writeEof()],
  ["startTls", (_, writer) => writer.startTls(identity, { serverHostname: "" })],
];

type End = PlainPair["server"];

/** One end, and what it gives to startTls(). */
interface Upgrade {
  readonly near: End;
  readonly far: End;
  readonly start: (options?: StartTlsOptions) => Promise<void>;
}

const SIDES = ["client", "server"] as const;

/** More than the buffers of a connection hold. */
const MUCH = patternBytes(16_000_000);

/** All that may wait at `end` comes to an end, and what was received before cannot be read. */
async function assertEnded({ reader, writer }: End): Promise<void> {
  assert.ok(writer.isClosing());
  await Promise.allSettled([writer.waitClosed(), writer.drain()]);
  const [read] = await Promise.allSettled([reader.read()]);
  if (read.status === "fulfilled") assert.equal(read.value.length, 0);
  writer.write("dropped");
}

for (const { name, over, truncation } of WAYS) {
  const upgradeOf = ({ client, server }: PlainPair, side: (typeof SIDES)[number]): Upgrade => {
    const isClient = side === "client";
    const context = isClient ? trust : identity;
    const near = isClient ? client : server;
    return {
      near,
      far: isClient ? server : client,
      start: (options = {}) => near.writer.startTls(context, { truncation, ...options }),
    };
  };
  const upgradeBoth = (pair: PlainPair) => Promise.all(SIDES.map((side) => upgradeOf(pair, side).start()));

  /** Runs `test` for each side, and waits until all is free that it has opened. */
  const onBothSides = async (test: (upgrade: Upgrade, pair: PlainPair) => Promise<void>, limit?: number) => {
    for (const side of SIDES) {
      const released = await watchResources();
      const pair = await plainPair(cleanup, over, limit === undefined ? {} : { limit });
      await test(upgradeOf(pair, side), pair);
      for (const { writer } of [pair.client, pair.server]) writer.transport.abort();
      await pair.acceptor[Symbol.asyncDispose]();
      await released();
    }
  };

  describe(`StreamWriter: startTls() and other calls, ${name}`, () => {
    it("is refused while a read is pending; the read and the connection go on", async () => {
      const pair = await plainPair(cleanup, over);
      const { near, far, start } = upgradeOf(pair, "client");
      for (const read of [() => near.reader.readLine(), () => near.reader.read(7)]) {
        const reading = read();
        await assert.rejects(start(), {
          name: "InvalidStateError",
          message: "startTls() called while a read is waiting for incoming data",
        });
        near.writer.write("still plain\n");
        assert.equal((await far.reader.readLine()).toString(), "still plain\n");
        far.writer.write("answer\n");
        assert.equal((await reading).toString(), "answer\n");
      }
      await upgradeBoth(pair);
    });

    it("locks reader and writer while the handshake runs, and unlocks them after it", async () => {
      await onBothSides(async ({ near, far, start }, pair) => {
        const plain = near.writer.transport;
        const upgraded = start();
        for (let turn = 0; turn < 3; turn++) {
          for (const [method, call] of LOCKED) {
            await assert.rejects(async () => await call(near.reader, near.writer), {
              name: "InvalidStateError",
              message: `${method}() called during startTls()`,
            });
          }
          await shortTurns(1);
        }
        const below = { name: "InvalidStateError", message: /below TLS$/ };
        for (const moment of ["during", "after"]) {
          if (moment === "after") {
            const { start: startFar } = upgradeOf(pair, near === pair.client ? "server" : "client");
            await Promise.all([upgraded, startFar()]);
          }
          assert.throws(() => plain.write("plain"), below);
          assert.throws(() => plain.writeLines(["plain"]), below);
          assert.throws(() => plain.writeEof(), below);
          plain.pauseReading();
        }
        near.writer.write("one\n");
        near.writer.writeLines(["two\n"]);
        assert.equal((await far.reader.readExactly(8)).toString(), "one\ntwo\n");
        far.writer.write("back\n");
        assert.equal((await near.reader.readLine()).toString(), "back\n");
      });
    });

    it("unlocks them after a failure: a write is dropped, and a read rejects with why", async () => {
      await onBothSides(async ({ near, far, start }) => {
        const upgraded = start();
        far.writer.write("this is no TLS at all\n");
        const [{ reason: why }] = (await Promise.allSettled([upgraded])) as [PromiseRejectedResult];
        assert.ok(why instanceof TlsError);
        for (const read of [near.reader.read(), near.reader.readLine(), near.reader.read(1)]) {
          await assert.rejects(read, why);
        }
        await assert.rejects(near.writer.waitClosed(), why);
        await assert.rejects(near.writer.drain(), why);
        near.writer.write("dropped");
        await assert.rejects(start(), why);
      });
    });

    const closings: readonly (readonly [string, (end: End, pair: PlainPair) => unknown])[] = [
      ["close()", ({ writer }) => writer.close()],
      ["transport.abort()", ({ writer }) => writer.transport.abort()],
      ["[Symbol.asyncDispose]()", ({ writer }) => writer[Symbol.asyncDispose]()],
    ];
    const serverClosings: typeof closings = [
      ["closeClients()", (_, { acceptor }) => acceptor.closeClients()],
      ["abortClients()", (_, { acceptor }) => acceptor.abortClients()],
    ];
    for (const [method, close] of [...closings, ...serverClosings]) {
      it(`is given up by ${method} (95)`, async () => {
        for (const wait of [0, 3]) {
          await onBothSides(async ({ near, far, start }, pair) => {
            if (method.endsWith("Clients()") && near === pair.client) return;
            const upgraded = start();
            upgraded.catch(() => {});
            await shortTurns(wait);
            const closed = close(near, pair);
            await assert.rejects(upgraded, closedDuring("the TLS handshake"));
            await closed;
            await near.writer.waitClosed();
            await assertEnded(near);
            await far.reader.read();
            far.writer.close();
            await far.writer.waitClosed();
          });
        }
      });
    }

    it("sends what was written when close() comes while it waits for room", async () => {
      await onBothSides(async ({ near, far, start }) => {
        near.writer.write(MUCH);
        const upgraded = start();
        near.writer.close();
        upgraded.catch(() => {});
        assert.ok((await far.reader.read()).equals(MUCH));
        await assert.rejects(upgraded, closedDuring("startTls()"));
        await near.writer.waitClosed();
      });
    });

    it("does not drop what close() still sends when it is called after that", async () => {
      await onBothSides(async ({ near, far, start }) => {
        near.writer.write(MUCH);
        near.writer.close();
        await assert.rejects(start(), ConnectionResetError);
        assert.ok((await far.reader.read()).equals(MUCH));
      });
    });
  });

  describe(`StreamWriter: startTls() that fails, ${name}`, () => {
    it("says what is wrong with the server's certificate (90, 98)", async () => {
      await onBothSides(async (_, { client, server }) => {
        const served = server.writer.startTls(untrusted, { truncation });
        await assert.rejects(client.writer.startTls(trust, { truncation }), (error) => {
          return error instanceof CertificateError && error.code === SELF_SIGNED;
        });
        await assertEnded(client);
        // The server may be through with its part.
        await Promise.allSettled([served, server.reader.read()]);
        await assertEnded(server);
      });
    });

    it("says what is wrong with the client's certificate (90)", async () => {
      await onBothSides(async (_, { client, server }) => {
        const upgraded = client.writer.startTls({ ...trust, ...untrusted }, { truncation });
        upgraded.catch(() => {});
        const context = { ...identity, ...trust, requestCert: true };
        await assert.rejects(server.writer.startTls(context, { truncation }), (error) => {
          return error instanceof CertificateError && error.code === SELF_SIGNED;
        });
        await assertEnded(server);
        await Promise.allSettled([upgraded, client.reader.read()]);
        await assertEnded(client);
      });
    });

    it("says how long it has waited for a silent peer (98)", async () => {
      await onBothSides(async ({ near, start }) => {
        await assert.rejects(start({ sslHandshakeTimeout: 20 }), (error) => {
          return (
            error instanceof TlsHandshakeTimeoutError && error.timeout === 20 && /20 ms/.test(error.message)
          );
        });
        await assertEnded(near);
      });
    });

    it("is given up at the timeout or by the signal, which says why", async () => {
      await onBothSides(async ({ near, start }) => {
        await assert.rejects(start({ timeout: 20 }), {
          name: "TimeoutError",
          message: "startTls() did not end within 20 ms",
        });
        await assertEnded(near);
      });
      await onBothSides(async ({ near, start }) => {
        const controller = new AbortController();
        const given = assert.rejects(start({ signal: controller.signal }), (reason) => reason === "enough");
        await shortTurns(3);
        controller.abort("enough");
        await given;
        await assertEnded(near);
      });
    });

    it("leaves the connection as it was when it is given up before the handshake", async () => {
      await onBothSides(async ({ near, far, start }) => {
        await assert.rejects(start({ signal: AbortSignal.abort("before") }), (reason) => reason === "before");
        near.writer.write(MUCH);
        far.writer.write("plain\n");
        await assert.rejects(start({ timeout: 20 }), { name: "TimeoutError" });
        assert.equal((await near.reader.readLine()).toString(), "plain\n");
        near.writer.write("still plain\n");
        assert.ok((await far.reader.readExactly(MUCH.length)).equals(MUCH));
        assert.equal((await far.reader.readLine()).toString(), "still plain\n");
      });
    });

    it("leaves no listener on the signal when it succeeds", async () => {
      const { signal } = new AbortController();
      const pair = await plainPair(cleanup, over);
      await Promise.all(SIDES.map((side) => upgradeOf(pair, side).start({ signal, timeout: 60_000 })));
      assert.deepEqual(getEventListeners(signal, "abort"), []);
    });

    const leavings: readonly (readonly [string, (far: End) => void])[] = [
      ["ends its direction", ({ writer }) => writer.writeEof()],
      ["closes", ({ writer }) => writer.close()],
      [
        "closes within a record",
        ({ writer }) => {
          writer.write(Buffer.of(22, 3, 3, 1));
          writer.close();
        },
      ],
      ["aborts", ({ writer }) => writer.transport.abort()],
    ];
    for (const [what, leave] of leavings) {
      it(`says that the peer ${what} in the middle (90, 98)`, async () => {
        for (const wait of [0, 3]) {
          await onBothSides(async ({ near, far, start }) => {
            const upgraded = start();
            upgraded.catch(() => {});
            await shortTurns(wait);
            leave(far);
            await assert.rejects(upgraded, ConnectionError);
            await assertEnded(near);
          });
        }
      });
    }

    it("says that the peer has ended before, and gives nothing that came from it", async () => {
      for (const bytes of ["", "plain", "\x16\x03\x03"]) {
        await onBothSides(async ({ near, far, start }) => {
          far.writer.write(bytes);
          far.writer.writeEof();
          // Its limit of 1 byte has paused the reader in front of the end.
          await shortTurns(5);
          await assert.rejects(
            start(),
            (error) => error instanceof ConnectionResetError || error instanceof TlsError,
          );
          await assertEnded(near);
        }, 1);
      }
    });

    it('refuses bytes that were received before with buffered: "reject", and closes (91)', async () => {
      await onBothSides(async ({ near, far, start }) => {
        far.writer.write("line\ninjected");
        assert.equal((await near.reader.readLine()).toString(), "line\n");
        while (!near.reader.toString().includes("8 bytes")) await shortTurns(1);
        await assert.rejects(start({ buffered: "reject" }), (error) => {
          return error instanceof PlaintextBufferedError && error.bufferedBytes === 8;
        });
        await assertEnded(near);
        assert.equal((await far.reader.read()).length, 0);
      });
    });

    it('goes through with buffered: "reject" when nothing was received', async () => {
      await onBothSides(async ({ near, start }, pair) => {
        if (near === pair.server) return;
        await Promise.all([start({ buffered: "reject" }), upgradeOf(pair, "server").start()]);
      });
    });
  });
}

describe("StreamWriter: startTls() on a connection that is lost", () => {
  it("rejects with why it was lost, and leaves what was received (90)", async () => {
    const inMemory = connectedInMemory();
    const overTcp = await connectedToSocket(cleanup);
    overTcp.peer.write("last");
    inMemory.far.writer.write("last");
    const ends: [End, () => unknown][] = [
      [inMemory.near, inMemory.reset],
      [overTcp.connection, () => overTcp.peer.resetAndDestroy()],
    ];
    for (const [{ reader, writer }, reset] of ends) {
      while (!reader.toString().includes("4 bytes")) await shortTurns(1);
      reset();
      const [{ reason }] = (await Promise.allSettled([writer.waitClosed()])) as [PromiseRejectedResult];
      assert.ok(reason instanceof ConnectionResetError);
      await assert.rejects(writer.startTls(trust, { serverHostname: "" }), reason);
      assert.equal((await reader.read(10)).toString(), "last");
      await assert.rejects(reader.read(10), reason);
    }
  });

  it("rejects after abort(), and with an error that the reader was given; then the connection goes on", async () => {
    const { near, far } = connectedInMemory();
    near.reader.setException(new RangeError("given"));
    await assert.rejects(near.writer.startTls(trust, { serverHostname: "" }), { message: "given" });
    near.writer.write("on\n");
    assert.equal((await far.reader.readLine()).toString(), "on\n");
    far.writer.transport.abort();
    await assert.rejects(far.writer.startTls(trust, { serverHostname: "" }), ConnectionResetError);
  });
});
