import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, renameSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { openConnection, openUnixConnection, type Connection } from "asyncio-streams";
import { cleanups } from "../support/cleanup.js";
import { descriptorOf } from "../support/descriptors.js";
import { temporaryFolder } from "../support/folders.js";
import { runProgram } from "../support/processes.js";

const probe = createServer().listen(0, "127.0.0.1");
await once(probe, "listening");
const skip = descriptorOf(probe) < 0 && "this runtime does not tell the descriptor of a net.Server";
probe.close();

describe("startServer() with the descriptor of an inherited socket", { skip }, () => {
  const cleanup = cleanups();

  it("serves at a TCP socket", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const program = runProgram(cleanup, "test/programs/serve-descriptor.js", ["tcp"], {
      descriptor: descriptorOf(listener),
    });
    listener.close();
    assert.equal(await program.nextLine(), `serving ["127.0.0.1",${port}]`);
    const { reader, writer } = await openConnection("127.0.0.1", port);
    assert.equal((await reader.readLine()).toString(), "from the child\n");
    writer.close();
    assert.deepEqual(await program.finish(), { lines: [], errors: "", status: 0 });
    await assert.rejects(openConnection("127.0.0.1", port), { code: "ECONNREFUSED" });
  });

  for (const kind of ["tcp", "unix"]) {
    it(`serves at a Unix socket, ${kind === "tcp" ? "too" : "as startUnixServer() does"}; its file is not its own`, async () => {
      const folder = await temporaryFolder(cleanup);
      const path = `${folder}/s`;
      const listener = createServer().listen(`${path}.first`);
      await once(listener, "listening");
      renameSync(`${path}.first`, path);
      const program = runProgram(cleanup, "test/programs/serve-descriptor.js", [kind], {
        descriptor: descriptorOf(listener),
      });
      listener.close();
      assert.equal(await program.nextLine(), `serving ""`);
      const { reader, writer } = await openUnixConnection(path);
      assert.equal((await reader.readLine()).toString(), "from the child\n");
      writer.close();
      assert.deepEqual(await program.finish(), { lines: [], errors: "", status: 0 });
      assert.deepEqual(readdirSync(folder), ["s"]);
    });
  }

  it("is refused by startUnixServer() if that is a TCP socket", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const program = runProgram(cleanup, "test/programs/serve-descriptor.js", ["unix"], {
      descriptor: descriptorOf(listener),
    });
    listener.close();
    const expected = "TypeError: A UNIX Domain Stream Socket was expected, got a TCP socket";
    assert.deepEqual(await program.finish(), { lines: [expected], errors: "", status: 0 });
  });
});

describe(
  "A server that is out of descriptors",
  { skip: process.platform === "win32" && "there is no ulimit" },
  () => {
    const cleanup = cleanups();

    it("keeps the connections it has, and serves again when descriptors are free (73)", async () => {
      const program = runProgram(cleanup, "test/programs/serve-few.js", [], { descriptors: 64 });
      const port = Number(await program.nextLine());

      const dial = async () => {
        const connection = await openConnection("127.0.0.1", port);
        cleanup(() => connection.writer.transport.abort());
        return connection;
      };
      const isServed = async ({ reader, writer }: Connection) => {
        writer.write("ping\n");
        // Bun leaves those waiting that it has no descriptor for.
        const answer = await reader.readLine({ timeout: 10_000 }).catch(() => "");
        return answer.toString() === "ping\n";
      };
      const end = async ({ reader, writer }: Connection) => {
        writer.writeEof();
        assert.equal((await reader.read()).length, 0);
        writer.close();
      };

      const connections: Connection[] = [];
      for (let count = 0; count < 80; count++) connections.push(await dial());
      const served = await Promise.all(connections.map(isServed));
      const kept = connections.filter((_connection, index) => served[index]);
      assert.ok(kept.length > 0 && kept.length < 64, `${kept.length} of ${connections.length} were served`);
      assert.ok((await Promise.all(kept.map(isServed))).every(Boolean), "a connection was lost");

      for (const connection of kept.splice(0, 2)) await end(connection);
      assert.equal(await isServed(await dial()), true, "serves again");
      assert.ok((await Promise.all(kept.map(isServed))).every(Boolean), "a connection was lost");
      const { status, errors } = await program.finish();
      assert.deepEqual([status, errors], [0, ""]);
    });
  },
);
