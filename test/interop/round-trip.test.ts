import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { LITTLE_MEMORY } from "../support/memory.js";
import { runProgram } from "../support/processes.js";
import type { InteropBulkReport } from "../programs/interop-bulk.js";

const MEBIBYTE = 1_048_576;

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
      assert.ok(addedMemory < LITTLE_MEMORY, `${addedMemory} bytes were added`);
    });
  }
});
