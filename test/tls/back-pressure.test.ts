import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { startServer, type StreamReader, type StreamWriter } from "asyncio-streams";
import type { TlsBulkReport } from "../programs/tls-bulk.js";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { LITTLE_MEMORY } from "../support/memory.js";

const MEBIBYTE = 1_048_576;
const PIECE = 100_000;
const TOTAL = Math.ceil((256 * MEBIBYTE) / PIECE) * PIECE;

describe("back-pressure over TLS", () => {
  const cleanup = cleanups();
  let authority: string;
  let identity: Identity;
  before(() => {
    const made = makeAuthority();
    authority = made.cert;
    identity = made.issue();
  });

  /** What the process at the other end tells, and the digest of this one. */
  async function run(
    direction: "read" | "write",
    truncation: "ignore" | "report",
    callback: (reader: StreamReader, writer: StreamWriter) => Promise<string>,
  ): Promise<[TlsBulkReport, string]> {
    const file = `${await temporaryFolder(cleanup)}/authority.pem`;
    await writeFile(file, authority);
    let finish!: (digest: string) => void;
    const finished = new Promise<string>((resolve) => (finish = resolve));
    const server = await startServer(
      async (reader, writer) => finish(await callback(reader, writer)),
      "127.0.0.1",
      0,
      { ssl: identity, truncation },
    );
    cleanup(() => server[Symbol.asyncDispose]());
    const program = fileURLToPath(new URL("../programs/tls-bulk.js", import.meta.url));
    const parameters = [direction, String(portOf(server)), file, truncation, String(TOTAL)];
    const child = spawn(process.execPath, [program, ...parameters], { stdio: ["ignore", "pipe", "inherit"] });
    cleanup(() => child.kill());
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    assert.deepEqual((await once(child, "close"))[0], 0);
    return [JSON.parse(output) as TlsBulkReport, await finished];
  }

  async function readSlowly(reader: StreamReader): Promise<string> {
    const hash = createHash("sha1");
    for (let count = 0; ; count++) {
      const piece = await reader.read(PIECE);
      if (piece.length === 0) return hash.digest("hex");
      hash.update(piece);
      if (count % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async function writeAll(reader: StreamReader, writer: StreamWriter): Promise<string> {
    await reader.readLine();
    const hash = createHash("sha1");
    const piece = patternBytes(PIECE);
    for (let written = 0; written < TOTAL; written += PIECE) {
      writer.write(piece);
      hash.update(piece);
      await writer.drain();
    }
    return hash.digest("hex");
  }

  for (const truncation of ["ignore", "report"] as const) {
    it(`256 MiB to a slow reader add little memory to the writer, truncation: "${truncation}"`, async () => {
      const [report, digest] = await run("write", truncation, readSlowly);
      assert.equal(digest, report.digest);
      assert.ok(report.addedMemory < LITTLE_MEMORY, `${report.addedMemory} bytes were added`);
    });

    it(`256 MiB from a fast writer add little memory to a slow reader, truncation: "${truncation}"`, async () => {
      const [report, digest] = await run("read", truncation, writeAll);
      assert.equal(digest, report.digest);
      assert.ok(report.addedMemory < LITTLE_MEMORY, `${report.addedMemory} bytes were added`);
    });
  }
});
