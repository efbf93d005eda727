import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startServer, startUnixServer, type Server, type StreamWriter } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { leavingNothing } from "../support/open-resources.js";

const MEBIBYTE = 1_048_576;

describe("the end of a callback", () => {
  const cleanup = cleanups();

  /** A server whose callback writes and returns, whatever the client still sends. */
  async function serving(
    kind: "tcp" | "unix",
    callback: (writer: StreamWriter) => unknown,
    undoAfter = cleanup,
  ): Promise<{ server: Server; dial: () => Socket }> {
    const serve = async (_reader: unknown, writer: StreamWriter) => void (await callback(writer));
    if (kind === "tcp") {
      const server = await startServer(serve, "127.0.0.1", 0, { limit: 1_000 });
      undoAfter(() => server[Symbol.asyncDispose]());
      return { server, dial: () => connect(portOf(server), "127.0.0.1") };
    }
    const path = join(await temporaryFolder(undoAfter), "s");
    const server = await startUnixServer(serve, path, { limit: 1_000 });
    undoAfter(() => server[Symbol.asyncDispose]());
    return { server, dial: () => connect(path) };
  }

  for (const kind of ["tcp", "unix"] as const) {
    for (const size of [MEBIBYTE, 8 * MEBIBYTE]) {
      it(`loses nothing of ${size} bytes that it wrote over ${kind}, although the client is still sending`, async () => {
        await leavingNothing(async (undo) => {
          const bytes = patternBytes(size);
          const { server, dial } = await serving(kind, (writer) => writer.write(bytes), undo);
          const client = dial();
          undo(() => client.destroy());
          client.pause();
          client.write(Buffer.alloc(4 * MEBIBYTE));
          await once(client, "connect");
          // The callback has returned long before the client reads.
          for (let round = 0; round < 50; round++) client.write("x".repeat(1_000));
          const received: Buffer[] = [];
          client.on("data", (chunk: Buffer) => received.push(chunk)).resume();
          await once(client, "end");
          assert.ok(Buffer.concat(received).equals(bytes));
          server.close();
          await server.waitClosed();
        });
      });
    }
  }

  it("loses nothing either when it fails", async () => {
    const bytes = patternBytes(MEBIBYTE);
    const errors: unknown[] = [];
    const server = await startServer(
      async (_reader, writer) => {
        writer.write(bytes);
        throw new RangeError("from the callback");
      },
      "127.0.0.1",
      0,
      { limit: 1_000, onError: (error) => errors.push(error) },
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const client = connect(portOf(server), "127.0.0.1");
    cleanup(() => client.destroy());
    client.write(Buffer.alloc(4 * MEBIBYTE));
    const received: Buffer[] = [];
    client.on("data", (chunk: Buffer) => received.push(chunk));
    await once(client, "end");
    assert.ok(Buffer.concat(received).equals(bytes));
    assert.deepEqual(errors.map(String), ["RangeError: from the callback"]);
  });

  it("by the reason of its own signal is no failure", async () => {
    const errors: unknown[] = [];
    const server = await startServer(
      (reader, _writer, { signal }) => reader.readLine({ signal }),
      "127.0.0.1",
      0,
      {
        onError: (error) => errors.push(error),
      },
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const client = connect(portOf(server), "127.0.0.1").resume();
    cleanup(() => client.destroy());
    client.write("no newline");
    await once(client, "connect");
    const ended = once(client, "close");
    await server.shutdown({ grace: 5_000 });
    await ended;
    assert.deepEqual(errors, []);
  });

  it("is told to a client that does not end, and frees the connection soon after", async () => {
    await leavingNothing(async (undo) => {
      const { server, dial } = await serving("tcp", (writer) => writer.write("bye"), undo);
      const client = dial();
      undo(() => client.destroy());
      client.allowHalfOpen = true;
      const [chunk] = (await once(client, "data")) as [Buffer];
      assert.equal(chunk.toString(), "bye");
      server.close();
      await server.waitClosed();
    });
  });

  it("ends at once when the server aborts its clients", async () => {
    await leavingNothing(async (undo) => {
      let returned!: () => void;
      const hasReturned = new Promise<void>((resolve) => (returned = resolve));
      const { server, dial } = await serving("tcp", () => returned(), undo);
      const client = dial().on("error", () => {});
      undo(() => client.destroy());
      client.allowHalfOpen = true;
      await hasReturned;
      const result = await server.shutdown({ grace: 0 });
      assert.equal(result.ended + result.aborted, 1);
    });
  });
});
