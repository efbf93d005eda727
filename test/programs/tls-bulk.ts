/**
 * A process that writes bytes to a TLS server, or reads them slowly to their end, and prints what that took.
 * Arguments: write or read, port, file with the authority, truncation, number of bytes.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { openConnection, type Truncation } from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { HeldMemory } from "../support/held-memory.js";

export interface TlsBulkReport {
  /** The most that was held above what was so before the first byte, in bytes. */
  readonly addedMemory: number;
  /** SHA-1 of all bytes, in hex. */
  readonly digest: string;
}

const [, , direction, port = "", authority = "", truncation, total] = argv;
const PIECE = 100_000;
const hash = createHash("sha1");
const { reader, writer } = await openConnection("127.0.0.1", port, {
  ssl: { ca: readFileSync(authority) },
  truncation: truncation as Truncation,
});
const memory = new HeldMemory();

if (direction === "write") {
  const piece = patternBytes(PIECE);
  for (let written = 0; written < Number(total); written += PIECE) {
    writer.write(piece);
    hash.update(piece);
    await writer.drain();
    memory.passed(PIECE);
  }
} else {
  writer.write("go\n");
  for (let count = 0; ; count++) {
    const piece = await reader.read(PIECE);
    if (piece.length === 0) break;
    hash.update(piece);
    if (count % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    memory.passed(piece.length);
  }
}
writer.close();
await writer.waitClosed();
const report: TlsBulkReport = { addedMemory: memory.added, digest: hash.digest("hex") };
console.log(JSON.stringify(report));
