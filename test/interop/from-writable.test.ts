import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { describe, it } from "node:test";
import { FileNotFoundError, InvalidStateError } from "asyncio-streams";
import { fromReadable, fromWritable } from "asyncio-streams/node";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { isPending, turns } from "../support/turns.js";

describe("fromWritable()", () => {
  const cleanup = cleanups();

  for (const end of ["close", "writeEof"] as const) {
    it(`${end}() ends a file behind what was written, and waitClosed() waits until it is closed`, async () => {
      const path = join(await temporaryFolder(cleanup), "f");
      const stream = createWriteStream(path);
      const writer = fromWritable(stream);
      for (let round = 0; round < 20; round++) {
        writer.writeLines([`line ${round}\n`, patternBytes(100_000, round)]);
        await writer.drain();
      }
      writer[end]();
      await writer.waitClosed();
      assert.ok(stream.closed);
      const expected = Array.from({ length: 20 }, (_, round) => [
        Buffer.from(`line ${round}\n`),
        patternBytes(100_000, round),
      ]);
      assert.ok((await readFile(path)).equals(Buffer.concat(expected.flat())));
    });
  }

  it("fails drain() and waitClosed() with an error of the stream", async () => {
    const writer = fromWritable(createWriteStream("/no/such/folder/f"));
    writer.write(patternBytes(100_000));
    await assert.rejects(writer.drain(), FileNotFoundError);
    await assert.rejects(writer.waitClosed(), FileNotFoundError);
  });

  it("fails waitClosed() with an error at the end of the stream", async () => {
    const problem = new Error("not flushed");
    const writer = fromWritable(
      new Writable({ write: (_chunk, _encoding, done) => done(), final: (done) => done(problem) }),
    );
    writer.write("x");
    writer.close();
    await assert.rejects(writer.waitClosed(), problem);
  });

  it("fails waitClosed() when the stream is destroyed before it has taken all", async () => {
    const writable = new Writable({ write() {} });
    const writer = fromWritable(writable);
    writer.write("stuck");
    writer.close();
    await turns(2);
    writable.destroy();
    await assert.rejects(writer.waitClosed(), { name: "ConnectionResetError" });
  });

  it("lets drain() wait for a stream that takes its time, and abort() end it", async () => {
    const writable = new Writable({ write() {} });
    const writer = fromWritable(writable);
    writer.write(patternBytes(100_000));
    const drained = writer.drain();
    assert.ok(await isPending(drained));
    writer.transport.abort();
    assert.ok(writable.destroyed);
    await Promise.all([drained, writer.waitClosed()]);
  });

  it("is lost from the start over a stream that was destroyed", async () => {
    const writer = fromWritable(new Writable({ write() {} }).destroy());
    await assert.rejects(writer.waitClosed(), { name: "ConnectionResetError" });
  });

  it("writes one direction of a Duplex, and leaves the other one alone", async () => {
    const duplex = new PassThrough();
    const writer = fromWritable(duplex);
    writer.write("kept");
    writer.close();
    await turns(5);
    assert.equal(duplex.destroyed, false);
    assert.equal((await fromReadable(duplex).read()).toString(), "kept");
    await writer.waitClosed();
  });

  it("refuses what cannot be written, and what was ended", () => {
    for (const wrong of [undefined, "x", {}, new WritableStream(), process.stdin.constructor]) {
      const message = /^fromWritable\(\) takes a stream of node:stream that can be written, not /;
      assert.throws(() => fromWritable(wrong as never), { name: "TypeError", message });
    }
    assert.throws(() => fromWritable(new PassThrough().end()), InvalidStateError);
  });
});
