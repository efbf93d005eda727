/** A process that writes 1 GiB to the port it is given, and prints what that took. */
import { createHash } from "node:crypto";
import { argv } from "node:process";
import { openConnection } from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { HeldMemory } from "../support/held-memory.js";

export interface SteadyWriterReport {
  /** The most that was held above what was so before the first byte, in bytes. */
  readonly addedMemory: number;
  /** How often drain() had to wait. */
  readonly pauses: number;
  /** SHA-1 of all bytes, in hex. */
  readonly digest: string;
}

const TOTAL = 1024 * 1_048_576;
const bytes = patternBytes(4 * 1_048_576);
const hash = createHash("sha1");
const { writer } = await openConnection("127.0.0.1", argv[2]);
const memory = new HeldMemory();
let pauses = 0;
for (let written = 0, step = 0; written < TOTAL; step++) {
  const start = (step * 40_961) % (bytes.length - 200_000);
  const size = Math.min(1 + ((step * 7919) % 200_000), TOTAL - written);
  const piece = bytes.subarray(start, start + size);
  hash.update(piece);
  writer.write(piece);
  if (writer.transport.getWriteBufferSize() > 65_536) pauses++;
  await writer.drain();
  written += size;
  memory.passed(size);
}
writer.close();
await writer.waitClosed();
const report: SteadyWriterReport = { addedMemory: memory.added, pauses, digest: hash.digest("hex") };
console.log(JSON.stringify(report));
