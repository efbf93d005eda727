import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import {
  ConnectionError,
  openConnection,
  startServer,
  type Connection,
  type StreamReader,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { connectedToSocket } from "../support/connections.js";
import { leavesNothing } from "../support/leaks.js";
import { turns } from "../support/turns.js";

/** As much as is under way at once on a new connection, whatever its other end does. */
const UNDER_WAY = 50_000;
/** More than the buffers between two ends hold. */
const TOO_MUCH = Buffer.alloc(32 * 1_048_576);

/** What `read(n)` gives up to the end, and the code of the error that it ends with, or "end". */
async function readToTheEnd(reader: StreamReader): Promise<{ bytes: Buffer; end: string }> {
  const chunks: Buffer[] = [];
  for (;;) {
    try {
      const chunk = await reader.read(1000);
      if (chunk.length === 0) return { bytes: Buffer.concat(chunks), end: "end" };
      chunks.push(chunk);
    } catch (error) {
      assert.ok(error instanceof ConnectionError);
      return { bytes: Buffer.concat(chunks), end: error.code! };
    }
  }
}

/** What we are doing when the reset comes. */
const SITUATIONS: Record<string, (connection: Connection, peer: Socket) => unknown> = {
  "nothing is under way": () => {},
  "writing is held up": ({ writer }) => writer.write(TOO_MUCH),
  "our direction has ended": ({ writer }) => writer.writeEof(),
  "our direction is to end behind what is held up": ({ writer }) => {
    writer.write(TOO_MUCH);
    writer.writeEof();
  },
};

/** How the peer resets; on a Unix socket by closing with unread bytes. */
const RESETS = {
  tcp: (peer: Socket) => peer.resetAndDestroy(),
  unix: (peer: Socket) => peer.destroy(),
};

describe("a reset by the peer", () => {
  const cleanup = cleanups();

  for (const kind of ["tcp", "unix"] as const) {
    for (const [situation, prepare] of Object.entries(SITUATIONS)) {
      it(`over ${kind}, when ${situation}: all bytes that had come, then the error, and nothing is left`, async () => {
        await leavesNothing(async (undoAfter) => {
          const bytes = patternBytes(UNDER_WAY);
          for (const wait of [0, 0, 1, 2, 5]) {
            const { connection, peer } = await connectedToSocket(undoAfter, kind);
            peer.setNoDelay(); // What its kernel has not sent yet, a reset throws away.
            const { reader, writer } = connection;
            writer.write("never read by the peer");
            await turns(1);
            await prepare(connection, peer);
            const drain = writer.drain().then(
              () => "resolved",
              () => "rejected",
            );
            await turns(wait);
            await new Promise((taken) => peer.write(bytes, taken));
            await turns(wait);
            RESETS[kind](peer);
            await turns(wait);
            const { bytes: received, end } = await readToTheEnd(reader);
            assert.match(end, /^(ECONNRESET|EPIPE)$/);
            assert.ok(received.equals(bytes), `${received.length} bytes`);
            await assert.rejects(writer.waitClosed(), { code: end });
            await assert.rejects(writer.drain(), { code: end });
            assert.equal(
              reader.exception()!.name,
              end === "EPIPE" ? "BrokenPipeError" : "ConnectionResetError",
            );
            if (situation.includes("held up")) assert.equal(await drain, "rejected");
            assert.equal(writer.transport.getWriteBufferSize(), 0);
          }
        });
      });
    }
  }

  for (const kind of ["tcp", "unix"] as const) {
    it(`over ${kind}, met by a write while bytes wait in the kernel: all of them, then the error`, async () => {
      const bytes = patternBytes(UNDER_WAY);
      for (const wait of [0, 1, 3]) {
        const { connection, sock, peer } = await connectedToSocket(cleanup, kind);
        peer.setNoDelay();
        const { reader, writer } = connection;
        writer.transport.pauseReading();
        let sent = 0;
        const send = () => {
          peer.write(bytes);
          sent += bytes.length;
        };
        // A runtime that reads ahead does so up to its own mark; what comes then stays in the kernel.
        do {
          send();
          for (let turn = 0; turn < 50 && sock.readableLength < sent; turn++) await turns(1);
        } while (sock.readableLength === sent && sent < sock.readableHighWaterMark);
        send();
        await turns(1);
        if (kind === "unix") writer.write("never read by the peer");
        await turns(1);
        RESETS[kind](peer);
        await turns(wait);
        const writing = async () => {
          for (;;) {
            writer.write("x");
            await writer.drain();
            await turns(1);
          }
        };
        await assert.rejects(writing, ConnectionError);
        const { bytes: received, end } = await readToTheEnd(reader);
        assert.equal(received.length, sent);
        for (let start = 0; start < sent; start += bytes.length) {
          assert.ok(received.subarray(start, start + bytes.length).equals(bytes));
        }
        assert.match(end, /^(ECONNRESET|EPIPE)$/);
      }
    });
  }

  it("leaves the bytes to read(n) when a read needs more of them", async () => {
    const { connection, peer } = await connectedToSocket(cleanup);
    const { reader } = connection;
    const pending = reader.readExactly(100);
    peer.write("four", () => peer.resetAndDestroy());
    await assert.rejects(pending, { code: "ECONNRESET" });
    await assert.rejects(reader.read(), { code: "ECONNRESET" });
    await assert.rejects(reader.readUntil("\n"), { code: "ECONNRESET" });
    assert.equal((await reader.read(100)).toString(), "four");
    await assert.rejects(reader.read(100), { code: "ECONNRESET" });
  });

  it("right after connecting and writing is no clean end for a server, 100 times", async () => {
    await leavesNothing(async () => {
      const ends: string[] = [];
      let finish!: () => void;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const server = await startServer(
        async (reader, writer) => {
          const { bytes, end } = await readToTheEnd(reader);
          ends.push(`${bytes.toString()} ${end}`);
          assert.equal(writer.isClosing(), true);
          if (ends.length === 100) finish();
        },
        "127.0.0.1",
        0,
      );
      for (let round = 0; round < 100; round++) {
        const client = connect(portOf(server), "127.0.0.1");
        await once(client, "connect");
        client.write("hello");
        if (round % 2 === 1) await turns(1);
        client.resetAndDestroy();
      }
      await finished;
      assert.deepEqual([...new Set(ends)], ["hello ECONNRESET"]);
      await server[Symbol.asyncDispose]();
    });
  });

  it("while both sides write ends the loop of each, in both roles", async () => {
    const server = await startServer(() => {}, "127.0.0.1", 0, { autoClose: false });
    cleanup(() => server[Symbol.asyncDispose]());
    for (let round = 0; round < 10; round++) {
      const sock = connect(portOf(server), "127.0.0.1");
      await once(sock, "connect");
      const { writer } = await openConnection({ sock });
      const writing = (async () => {
        for (;;) {
          writer.write(patternBytes(10_000));
          await writer.drain();
        }
      })();
      await turns(round);
      server.abortClients();
      await assert.rejects(writing, ConnectionError);
      await assert.rejects(writer.waitClosed(), ConnectionError);
    }
  });
});
