/** Obligations of every transport: flow control in both directions. */
import assert from "node:assert/strict";
import {
  MEBIBYTE,
  TOO_MUCH,
  assertSameBytes,
  patternBytes,
  turns,
  type Check,
  type TransportFeatures,
} from "./suite.js";

export function flowChecks(check: Check, { writeBufferLimits: [low, high] }: TransportFeatures): void {
  check(
    "pauseWriting() comes above the high mark, resumeWriting() at the low one or below",
    async (pairs) => {
      const { near, far } = await pairs.start();
      far.transport.pauseReading();
      near.transport.setWriteBufferLimits({ high: 30_000, low: 10_000 });
      const sizes: number[] = [];
      let written = 0;
      while (!near.protocol.isWritingPaused) {
        assert.ok(written < TOO_MUCH, "writing was never paused");
        assert.ok(near.transport.getWriteBufferSize() <= 30_000, "writing was not paused");
        near.transport.write(patternBytes(10_000));
        written += 10_000;
        if (near.transport.getWriteBufferSize() <= 30_000) await turns(1);
      }
      assert.ok(near.transport.getWriteBufferSize() > 30_000);
      void near.protocol
        .until(() => near.protocol.told.at(-1) === "resume")
        .then(() => sizes.push(near.transport.getWriteBufferSize()));
      far.transport.resumeReading();
      await far.protocol.receivedBytes(written);
      await near.protocol.until(() => !near.protocol.isWritingPaused);
      assert.ok(sizes[0]! <= 10_000);
      assert.deepEqual(
        near.protocol.told.filter((name) => name !== "data"),
        ["made", "pause", "resume"],
      );
    },
  );

  check(
    "pauseReading() stops the flow and bounds what is taken; resumeReading() loses nothing",
    async (pairs) => {
      const { near, far } = await pairs.start();
      far.transport.write("x");
      await near.protocol.receivedBytes(1);
      near.transport.pauseReading();
      const bytes = patternBytes(256 * 1024);
      let written = 0;
      for (let quiet = 0; quiet < 30 && written < TOO_MUCH; quiet++) {
        await turns(1);
        if (far.protocol.isWritingPaused) continue;
        far.transport.write(bytes);
        written += bytes.length;
        quiet = 0;
      }
      assert.ok(written < TOO_MUCH, "writing was never held back");
      assert.equal(near.protocol.size, 1);
      near.transport.resumeReading();
      await near.protocol.receivedBytes(1 + written);
      const received = near.protocol.received.subarray(1);
      for (let start = 0; start < written; start += bytes.length) {
        assert.ok(received.subarray(start, start + bytes.length).equals(bytes));
      }
    },
  );

  check("pauseReading() in dataReceived() holds at once", async (pairs) => {
    const { near, far } = await pairs.start();
    const bytes = patternBytes(4 * MEBIBYTE);
    let overrun = 0;
    let isOver = false;
    pairs.undo(() => {
      isOver = true;
    });
    near.protocol.onData = () => {
      if (!near.transport.isReading()) overrun++;
      near.transport.pauseReading();
      setImmediate(() => {
        if (!isOver) near.transport.resumeReading();
      });
    };
    far.transport.write(bytes);
    await near.protocol.receivedBytes(bytes.length);
    assertSameBytes(near.protocol.received, bytes);
    assert.equal(overrun, 0);
  });

  check("pauseReading() and resumeReading() are idempotent, and do nothing once closing", async (pairs) => {
    const { near, far } = await pairs.start();
    near.transport.resumeReading();
    near.transport.pauseReading();
    near.transport.pauseReading();
    assert.equal(near.transport.isReading(), false);
    near.transport.resumeReading();
    assert.equal(near.transport.isReading(), true);
    far.transport.write("x");
    await near.protocol.receivedBytes(1);
    near.transport.close();
    assert.equal(near.transport.isReading(), false);
    near.transport.pauseReading();
    near.transport.resumeReading();
    await near.protocol.lost();
    near.transport.resumeReading();
    assert.deepEqual(near.protocol.told, ["made", "data", "lost"]);
  });

  check("getWriteBufferSize() counts what was written at once, and nothing after the end", async (pairs) => {
    const { near, far } = await pairs.start();
    far.transport.pauseReading();
    near.transport.write("four");
    near.transport.writeLines(["five", patternBytes(3000)]);
    assert.equal(near.transport.getWriteBufferSize(), 3008);
    near.transport.write(patternBytes(TOO_MUCH));
    assert.ok(near.transport.getWriteBufferSize() > 0);
    near.transport.abort();
    await near.protocol.lost();
    assert.equal(near.transport.getWriteBufferSize(), 0);
  });

  check("setWriteBufferLimits() fills in the other mark", async (pairs) => {
    const { near } = await pairs.start();
    const cases: [limits: { high?: number; low?: number } | undefined, marks: [number, number]][] = [
      [undefined, [low, high]],
      [{ low: 1000 }, [1000, 4000]],
      [{ high: 1003 }, [250, 1003]],
      [{ high: 10, low: 10 }, [10, 10]],
      [{ high: 0 }, [0, 0]],
      [{}, [low, high]],
    ];
    assert.deepEqual(near.transport.getWriteBufferLimits(), [low, high]);
    for (const [limits, marks] of cases) {
      near.transport.setWriteBufferLimits(limits);
      assert.deepEqual(near.transport.getWriteBufferLimits(), marks);
    }
  });

  check("setWriteBufferLimits() refuses wrong marks and keeps the old ones", async (pairs) => {
    const { near } = await pairs.start();
    const set = (limits: unknown) => () => near.transport.setWriteBufferLimits(limits as { high: number });
    const message = "high (1) must be >= low (2) must be >= 0";
    assert.throws(set({ high: 1, low: 2 }), { name: "RangeError", message });
    for (const limits of [{ high: -1 }, { low: -1 }, { high: Number.NaN }, { low: 1, high: Number.NaN }]) {
      assert.throws(set(limits), RangeError);
    }
    for (const limits of [{ high: "1" }, { low: 1n }, { hihg: 1 }, 7, [1, 2]]) {
      assert.throws(set(limits), TypeError);
    }
    assert.deepEqual(near.transport.getWriteBufferLimits(), [low, high]);
  });

  check(
    "setWriteBufferLimits() pauses at once when more than the new high mark is buffered",
    async (pairs) => {
      const { near, far } = await pairs.start();
      near.transport.write(patternBytes(1000));
      assert.equal(near.protocol.isWritingPaused, false);
      near.transport.setWriteBufferLimits({ high: 1000 });
      assert.equal(near.protocol.isWritingPaused, false);
      near.transport.setWriteBufferLimits({ high: 999 });
      assert.equal(near.protocol.isWritingPaused, true);
      await near.protocol.until(() => !near.protocol.isWritingPaused);
      await far.protocol.receivedBytes(1000);
    },
  );

  check("a high mark of 0 pauses with every byte, until all are gone", async (pairs) => {
    const { near, far } = await pairs.start();
    near.transport.setWriteBufferLimits({ high: 0 });
    for (let round = 1; round <= 3; round++) {
      near.transport.write("x");
      assert.equal(near.protocol.isWritingPaused, true);
      await near.protocol.until(() => !near.protocol.isWritingPaused);
      assert.equal(near.transport.getWriteBufferSize(), 0);
      await far.protocol.receivedBytes(round);
    }
  });

  check(
    "writeBufferEmptied() comes when the other side has everything: it arrives even if abort() follows",
    async (pairs) => {
      const { near, far } = await pairs.start();
      far.transport.pauseReading();
      const bytes = patternBytes(5 * MEBIBYTE);
      near.transport.write("first");
      await near.protocol.emptied();
      assert.equal(near.transport.getWriteBufferSize(), 0);
      near.transport.write(bytes);
      const { timesEmptied } = near.protocol;
      await turns(10);
      if (near.transport.getWriteBufferSize() > 0) assert.equal(near.protocol.timesEmptied, timesEmptied);
      near.transport.write("last");
      const emptied = near.protocol.emptied();
      far.transport.resumeReading();
      await emptied;
      near.transport.abort();
      await far.protocol.receivedBytes(9 + bytes.length);
      assert.equal(far.protocol.received.subarray(-4).toString(), "last");
    },
  );

  check(
    "writeBufferEmptied() comes for nothing that still waits for a peer that does not read",
    async (pairs) => {
      const { near, far } = await pairs.start();
      far.transport.pauseReading();
      let written = 0;
      let whenEmptied = 0;
      for (let quiet = 0; quiet < 30 && written < TOO_MUCH; quiet++) {
        if (near.transport.getWriteBufferSize() === 0) {
          whenEmptied = written;
          near.transport.write(patternBytes(20_000));
          written += 20_000;
          quiet = 0;
        }
        await turns(1);
      }
      near.transport.abort();
      far.transport.resumeReading();
      await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
      assert.ok(far.protocol.size >= whenEmptied, `${far.protocol.size} of ${whenEmptied} bytes`);
    },
  );

  check("writeBufferEmptied() does not come for what is dropped", async (pairs) => {
    for (const end of ["abort", "reset"] as const) {
      const { near, far } = await pairs.start();
      far.transport.pauseReading();
      near.transport.write(patternBytes(TOO_MUCH));
      await turns(2);
      const { timesEmptied } = near.protocol;
      near.transport[end]();
      await near.protocol.lost();
      assert.equal(near.protocol.timesEmptied, timesEmptied);
    }
  });
}
