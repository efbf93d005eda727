import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { openConnection, socketPair } from "asyncio-streams";
import { cleanups } from "./support/cleanup.js";
import { temporaryFolder } from "./support/folders.js";
import { watchResources } from "./support/open-resources.js";
import { runProgram } from "./support/processes.js";

const skip = process.platform === "win32" && "there are no Unix sockets on Windows";

describe("socketPair()", { skip }, () => {
  const cleanup = cleanups();

  async function makePair(): Promise<[Socket, Socket]> {
    const pair = await socketPair();
    for (const socket of pair) cleanup(() => socket.destroy());
    return pair;
  }

  async function readLine(socket: Socket): Promise<string> {
    const [data] = (await once(socket, "data")) as [Buffer];
    return data.toString();
  }

  function setTemporaryFolder(folder: string): void {
    const before = process.env["TMPDIR"];
    cleanup(() => {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    });
    process.env["TMPDIR"] = folder;
  }

  it("gives sockets that are connected, each with the other", async () => {
    const pair = await makePair();
    for (const [from, to] of [pair, pair.toReversed()] as [Socket, Socket][]) {
      assert.equal(from.connecting, false);
      from.write("ping\n");
      assert.equal(await readLine(to), "ping\n");
    }
  });

  it("gives sockets that keep what comes before anybody listens", async () => {
    const pair = await makePair();
    for (const [index, socket] of pair.entries()) socket.end(`from ${index}`);
    await Promise.all(pair.map((socket) => once(socket, "finish")));
    const [first, second] = await Promise.all(pair.map((socket) => socket.setEncoding("utf8").toArray()));
    assert.deepEqual([first!.join(""), second!.join("")], ["from 1", "from 0"]);
  });

  it("gives sockets that can be streams, on both sides", async () => {
    const [one, two] = await makePair();
    const left = await openConnection({ sock: one });
    const right = await openConnection({ sock: two });
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      from.writer.write("ping\n");
      assert.equal((await to.reader.readLine()).toString(), "ping\n");
    }
    assert.deepEqual(left.writer.getExtraInfo("peername"), "");
  });

  it("allows half-open connections", async () => {
    for (const flip of [false, true]) {
      const pair = await makePair();
      const [one, two] = flip ? pair.toReversed() : pair;
      const [left, right] = [await openConnection({ sock: one! }), await openConnection({ sock: two! })];
      left.writer.writeEof();
      assert.equal((await right.reader.read()).length, 0);
      right.writer.write("still open\n");
      assert.equal((await left.reader.readLine()).toString(), "still open\n");
    }
  });

  it("leaves nothing: no file, no listener, no handle once both are closed", async () => {
    const folder = await temporaryFolder(cleanup);
    setTemporaryFolder(folder);
    const nothingLeft = await watchResources();
    const pair = await socketPair();
    assert.deepEqual(readdirSync(folder), []);
    await Promise.all(pair.map((socket) => once(socket.destroy(), "close")));
    await nothingLeft();
  });

  it("never mixes up pairs that are made at once", async () => {
    const pairs = await Promise.all(Array.from({ length: 50 }, makePair));
    for (const [index, [one, two]] of pairs.entries()) {
      one.write(`to two of ${index}`);
      two.write(`to one of ${index}`);
    }
    const heard = await Promise.all(pairs.map(async (pair) => Promise.all(pair.map(readLine))));
    assert.deepEqual(
      heard,
      pairs.map((_pair, index) => [`to one of ${index}`, `to two of ${index}`]),
    );
  });

  it("rejects when there are too few descriptors", async () => {
    const counts = ["0", "1", "2", "3"];
    const program = runProgram(cleanup, "test/programs/pairs-with-few.js", counts, { descriptors: 64 });
    const { lines, status } = await program.finish();
    assert.deepEqual(lines, ["begin", "0: EMFILE", "1: EMFILE", "2: EMFILE", "3: a pair"]);
    assert.equal(status, 0);
  });

  it("rejects without a temporary folder", async () => {
    const folder = await temporaryFolder(cleanup);
    setTemporaryFolder(`${folder}/missing`);
    await assert.rejects(socketPair(), { name: "FileNotFoundError", code: "ENOENT" });
  });
});
