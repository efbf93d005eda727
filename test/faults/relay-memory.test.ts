import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openConnection, startServer, type StreamReader, type StreamWriter } from "asyncio-streams";
import type { RelayReport } from "../programs/relay-one.js";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { LITTLE_MEMORY } from "../support/memory.js";
import { runProgram } from "../support/processes.js";

const MEBIBYTE = 1_048_576;
const TOTAL = 1_024 * MEBIBYTE;
/** Sent again and again. */
const PERIOD = patternBytes(4 * MEBIBYTE);

/** In pieces of very different sizes. */
async function sendAll(writer: StreamWriter): Promise<void> {
  for (let sent = 0, step = 0; sent < TOTAL; step++) {
    const start = sent % PERIOD.length;
    const piece = PERIOD.subarray(start, start + Math.min(1 + ((step * 7_919) % 200_000), TOTAL - sent));
    writer.write(piece);
    await writer.drain();
    sent += piece.length;
  }
  writer.writeEof();
}

/** How many bytes came to the end, all of which were the right ones. Now and then it is slow. */
async function receiveAll(reader: StreamReader): Promise<number> {
  let received = 0;
  for (let count = 0; ; count++) {
    const chunk = await reader.read(MEBIBYTE);
    if (chunk.length === 0) return received;
    for (let done = 0; done < chunk.length;) {
      const start = (received + done) % PERIOD.length;
      const size = Math.min(chunk.length - done, PERIOD.length - start);
      const isRight = PERIOD.subarray(start, start + size).equals(chunk.subarray(done, done + size));
      assert.ok(isRight, `wrong bytes after ${received + done}`);
      done += size;
    }
    received += chunk.length;
    if (count % 256 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe("relay() of many bytes", () => {
  const cleanup = cleanups();

  it("1 GiB each way at once adds little memory, every byte in order", async () => {
    const exchange = (reader: StreamReader, writer: StreamWriter) =>
      Promise.all([receiveAll(reader), sendAll(writer)]);
    let serve!: (received: Promise<number>) => void;
    const served = new Promise<number>((resolve) => (serve = resolve));
    const server = await startServer(
      async (reader, writer) => {
        const exchanged = exchange(reader, writer);
        serve(exchanged.then(([received]) => received));
        await exchanged;
      },
      "127.0.0.1",
      0,
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const program = runProgram(cleanup, "test/programs/relay-one.js", [String(portOf(server))]);
    await using client = await openConnection("127.0.0.1", Number(await program.nextLine()));
    const [received] = await exchange(client.reader, client.writer);
    assert.deepEqual([received, await served], [TOTAL, TOTAL]);
    const { lines, status, errors } = await program.finish();
    assert.equal(status, 0, errors);
    const { addedMemory, aToB, bToA, chunks } = JSON.parse(lines[0]!) as RelayReport;
    assert.deepEqual([aToB, bToA], [TOTAL, TOTAL]);
    assert.ok(chunks > 100);
    assert.ok(addedMemory < LITTLE_MEMORY, `${addedMemory} bytes were added`);
  });
});
