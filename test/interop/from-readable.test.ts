import assert from "node:assert/strict";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { PassThrough, Readable } from "node:stream";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createGunzip, gzipSync } from "node:zlib";
import { FileNotFoundError, InvalidStateError } from "asyncio-streams";
import { fromReadable, fromWritable } from "asyncio-streams/node";
import { patternBytes } from "../support/bytes.js";
import { turns } from "../support/turns.js";

describe("fromReadable()", () => {
  it("reads lines of what Readable.from() makes of strings and bytes", async () => {
    const reader = fromReadable(Readable.from(["one\nt", Buffer.from("wo\n"), "", Uint8Array.of(51)]));
    const lines: string[] = [];
    for await (const line of reader) lines.push(line.toString());
    assert.deepEqual(lines, ["one\n", "two\n", "3"]);
    assert.equal(reader.atEof(), true);
  });

  it("reads a file to its end, in bounded memory", async () => {
    const path = fileURLToPath(import.meta.url);
    assert.ok((await fromReadable(createReadStream(path)).read()).equals(await readFile(path)));
  });

  it("gives an error of the stream, of the system's classes where it is one of the system", async () => {
    await assert.rejects(fromReadable(createReadStream("/no/such/file")).read(), FileNotFoundError);
    const reader = fromReadable(new PassThrough().end("no gzip").pipe(createGunzip()));
    await assert.rejects(reader.read(), { code: "Z_DATA_ERROR" });
  });

  it("gives what had come before the error of a generator", async () => {
    const problem = new Error("enough");
    const generate = async function* () {
      yield "last words";
      throw problem;
    };
    const reader = fromReadable(Readable.from(generate()));
    assert.equal((await reader.readExactly(10)).toString(), "last words");
    await assert.rejects(reader.read(), problem);
  });

  it("is a lost connection when the stream is destroyed, which is how to stop it", async () => {
    const readable = new Readable({ read() {} });
    readable.push("some");
    const reader = fromReadable(readable);
    const read = reader.read();
    await turns(1);
    readable.destroy();
    await assert.rejects(read, { name: "ConnectionResetError" });
    assert.equal((await reader.readExactly(4)).toString(), "some");
  });

  it("gives the end of a stream that has ended before", async () => {
    const readable = Readable.from([]).resume();
    await once(readable, "close");
    assert.equal((await fromReadable(readable).read()).length, 0);
  });

  it("does not take more than its buffers hold when nobody reads", async () => {
    let given = 0;
    const readable = new Readable({
      read() {
        given += 10_000;
        this.push(patternBytes(10_000));
      },
    });
    const reader = fromReadable(readable, { limit: 10_000 });
    await turns(20);
    assert.ok(given < 200_000, `${given} bytes were given`);
    await reader.readExactly(1_000_000);
    assert.ok(given < 1_200_000, `${given} bytes were given`);
    readable.destroy();
  });

  it("reads one direction of a Duplex, and leaves the other one alone", async () => {
    const duplex = createGunzip();
    const [reader, writer] = [fromReadable(duplex), fromWritable(duplex)];
    writer.write(gzipSync(patternBytes(1_000_000)));
    writer.close();
    assert.ok((await reader.read()).equals(patternBytes(1_000_000)));
    await writer.waitClosed();
  });

  it("leaves a Duplex open whose other direction goes on behind the end", async () => {
    const duplex = new PassThrough({ allowHalfOpen: true });
    duplex.push("only this");
    duplex.push(null);
    assert.equal((await fromReadable(duplex).read()).toString(), "only this");
    await turns(3);
    assert.equal(duplex.destroyed, false);
    duplex.destroy();
  });

  it("refuses what cannot be read, and what has an encoding", () => {
    for (const wrong of [undefined, "x", {}, new ReadableStream(), process.stdout.constructor]) {
      assert.throws(() => fromReadable(wrong as never), {
        name: "TypeError",
        message: /that can be read, not /,
      });
    }
    assert.throws(() => fromReadable(Readable.from(["x"]).setEncoding("utf8")), InvalidStateError);
    assert.throws(() => fromReadable(Readable.from(["x"]), { limit: 0 }), RangeError);
  });
});
