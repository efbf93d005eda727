import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { startServer } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { connectedToSocket } from "../support/connections.js";
import type { SteadyWriterReport } from "./steady-writer.js";

const MEBIBYTE = 1_048_576;

/** As a kernel with buffers that are never full. */
function takeAtOnce(sock: Socket): void {
  sock._write = (_chunk, _encoding, done) => done();
  sock._writev = (_chunks, done) => done();
}

describe("back-pressure", () => {
  const cleanup = cleanups();

  it("1 GiB through write() and drain() to a slow reader adds less than 64 MiB of memory, every byte in order", async () => {
    const hash = createHash("sha1");
    let received = 0;
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const server = await startServer(
      async (reader) => {
        for (let chunk; (chunk = await reader.read(MEBIBYTE)).length > 0;) {
          hash.update(chunk);
          received += chunk.length;
        }
        finish();
      },
      "127.0.0.1",
      0,
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const script = fileURLToPath(new URL("steady-writer.js", import.meta.url));
    const writer = spawn(process.execPath, [script, String(portOf(server))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanup(() => writer.kill());
    let output = "";
    writer.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    const [status] = (await once(writer, "close")) as [number | null];
    assert.equal(status, 0);
    await finished;
    const report = JSON.parse(output) as SteadyWriterReport;
    assert.equal(received, 1024 * MEBIBYTE);
    assert.equal(hash.digest("hex"), report.digest);
    assert.ok(report.pauses > 100, `drain() has waited ${report.pauses} times only: the reader was not slow`);
    assert.ok(report.addedMemory < 64 * MEBIBYTE, `${report.addedMemory} bytes were added`);
  });

  for (const size of [10, 65_536, 300_000]) {
    it(`write() and drain() of ${size} bytes in a loop let the event loop turn, however fast they are taken`, async () => {
      const { connection } = await connectedToSocket(cleanup, "tcp", takeAtOnce);
      const turned = new AbortController();
      setImmediate(() => turned.abort());
      const bytes = Buffer.alloc(size);
      for (let written = 0; !turned.signal.aborted; written += size) {
        assert.ok(written < 16 * MEBIBYTE, "the event loop is starved");
        connection.writer.write(bytes);
        await connection.writer.drain();
      }
    });
  }
});
