import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { runProgram } from "../support/processes.js";

const skip = process.platform === "win32" && "there are no Unix sockets on Windows";

describe("The example wait-for-data", { skip }, () => {
  const cleanup = cleanups();

  it("prints what came, and ends by itself", async () => {
    const program = runProgram(cleanup, "examples/wait-for-data.js");
    assert.deepEqual(await program.finish(), { lines: ["Received: abc"], errors: "", status: 0 });
  });
});
