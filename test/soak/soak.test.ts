import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { judge, summarize } from "./judge.js";
import { growth, type MemorySample } from "./memory.js";
import { runSoak } from "./soak.js";

describe("soak", () => {
  const cleanup = cleanups();
  const short = { duration: 500, seed: 1, connections: 20 };

  it("of two seconds ends well: every transport, every conversation, every kind of error", async () => {
    const report = await runSoak({ duration: 2_000, seed: 1, connections: 60 });
    assert.deepEqual(judge(report), []);
    assert.deepEqual(Object.keys(report.byTransport).toSorted(), ["tcp", "tls", "tls-bridged", "unix"]);
    assert.equal(Object.keys(report.byConversation).length, 7);
    assert.ok(report.expectedErrors["PlannedFailure"]! > 0 && report.expectedErrors["CutShortError"]! > 0);
    assert.ok(report.bytes > 10_000 && report.samples.length > 0);
    assert.match(summarize(report), /^\d+ connections, \d+ MiB checked, .* rss -?\d+ \(now \d+ MiB\)/);
  });

  it("reports memory that is kept", async () => {
    const kept: Uint8Array[] = [];
    let last = performance.now();
    const report = await runSoak({
      ...short,
      afterEach: () => {
        const now = performance.now();
        kept.push(new Uint8Array((now - last) * 50_000));
        last = now;
      },
    });
    assert.match(judge(report).join("\n"), /^external grows by \d+ KB a minute/m);
  });

  it("reports a socket that is left open", async () => {
    let isPlanted = false;
    const report = await runSoak({
      ...short,
      afterEach: () => {
        if (isPlanted) return;
        isPlanted = true;
        const left = createServer().listen(0, "127.0.0.1");
        cleanup(() => left.close());
      },
    });
    assert.match(judge(report).join("\n"), /^between two rounds: AssertionError/m);
    assert.match(judge(report).join("\n"), /^\d+ descriptors instead of \d+: .*socket:/m);
  });

  it("reports an error of a kind that nothing explains, even in a conversation that was disturbed", async () => {
    const report = await runSoak({
      ...short,
      afterEach: () => {
        throw new RangeError("planted");
      },
    });
    assert.match(judge(report).join("\n"), /RangeError: planted/);
  });

  it("computes growth from the second half of the samples", () => {
    const samples = [0, 1, 2, 3, 4, 5].map((at): MemorySample => ({
      at: at * 60_000,
      rss: at < 3 ? at * 9e9 : at * 2_048,
      heapUsed: 5,
      external: [0, 0, 0, 1, 3, 2][at]! * 1_024,
    }));
    assert.equal(growth(samples, "rss"), 2);
    assert.equal(growth(samples, "heapUsed"), 0);
    assert.equal(growth(samples, "external"), 0.5);
    assert.equal(growth([], "rss"), 0);
  });
});
