import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { runProgram } from "../support/processes.js";
import { isBun } from "../support/runtime.js";
import type { InteropBulkReport } from "../programs/interop-bulk.js";

const MEBIBYTE = 1_048_576;
/** Far less than what goes through. Bun's collector lets more of it lie. */
const MOST_ADDED = (isBun ? 128 : 64) * MEBIBYTE;

describe("a round trip of 256 MiB", () => {
  const cleanup = cleanups();

  for (const way of ["toWeb", "fromWeb(toWeb)", "toDuplex", "fromDuplex(toDuplex)"]) {
    it(`through ${way} adds little memory, every byte in order`, async () => {
      const program = runProgram(cleanup, "test/programs/interop-bulk.js", [way]);
      const { lines, errors, status } = await program.finish();
      assert.equal(status, 0, errors);
      const { received, digests, addedMemory } = JSON.parse(lines[0]!) as InteropBulkReport;
      assert.equal(received, 256 * MEBIBYTE);
      assert.equal(digests[1], digests[0]);
      assert.ok(addedMemory < MOST_ADDED, `${addedMemory} bytes were added`);
    });
  }
});
