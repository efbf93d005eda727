import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "asyncio-streams/testing";
import { PendingRead } from "#src/streams/pending-read.js";
import { Bounds } from "#src/waiting/bounds.js";
import { settleDown } from "../support/pending.js";

/** A read of a source that has what the test says, and all that it tells. */
function makeRead() {
  const controller = new AbortController();
  const clock = new VirtualClock();
  const heard: unknown[] = [];
  const source = { gives: undefined as string | Error | undefined, attempts: 0, ended: 0 };
  const read = new PendingRead<string>(
    {
      retry(attempt) {
        source.attempts++;
        if (source.gives instanceof Error) throw source.gives;
        return attempt();
      },
      readEnded(ended) {
        assert.equal(ended, read);
        source.ended++;
      },
    },
    () => source.gives as string | undefined,
    { resolve: (result) => heard.push(result), reject: (reason) => heard.push(reason) },
    new Bounds("read", { signal: controller.signal, timeout: 50 }, clock),
  );
  return { read, source, heard, controller, clock };
}

describe("PendingRead", () => {
  it("tries again a moment after each wake(), once, until there is enough; then it leaves nothing behind", async () => {
    const { read, source, heard, clock } = makeRead();
    for (let round = 1; round <= 2; round++) {
      read.wake();
      read.wake();
      assert.equal(source.attempts, round - 1);
      await settleDown();
      assert.equal(source.attempts, round);
    }
    assert.deepEqual([heard, source.ended, clock.pending], [[], 0, 1]);
    source.gives = "enough";
    read.wake();
    await settleDown();
    read.wake();
    read.cancel("too late");
    await settleDown();
    assert.deepEqual([heard, source.attempts, source.ended, clock.pending], [["enough"], 3, 1, 0]);
    assert.equal(read.isCancelled, false);
  });

  it("fails with what the attempt throws", async () => {
    const { read, source, heard, clock } = makeRead();
    source.gives = new Error("lost");
    read.wake();
    await settleDown();
    assert.deepEqual([heard, source.ended, clock.pending], [[source.gives], 1, 0]);
  });

  it("succeeds at once with what somebody else has taken for it", () => {
    const { read, source, heard, clock } = makeRead();
    read.wake();
    read.succeed("enough");
    read.succeed("more");
    assert.deepEqual([heard, source.ended, clock.pending], [["enough"], 1, 0]);
  });

  it("its bounds end it, also after a wake() that has not run yet: then it takes nothing", async () => {
    const { read, source, heard, controller, clock } = makeRead();
    source.gives = "enough";
    read.wake();
    controller.abort("given up");
    assert.equal(read.isCancelled, true);
    await settleDown();
    assert.deepEqual([heard, source.attempts, source.ended, clock.pending], [["given up"], 0, 1, 0]);
  });

  it("is cancelled by the time too", async () => {
    const { read, heard, clock } = makeRead();
    await clock.advance(50);
    assert.equal(read.isCancelled, true);
    assert.deepEqual(
      heard.map((error) => (error as Error).name),
      ["TimeoutError"],
    );
  });

  it("isCancelled is true in a listener of the abort that comes before its own", () => {
    const controller = new AbortController();
    const seen: boolean[] = [];
    controller.signal.addEventListener("abort", () => seen.push(read.isCancelled));
    const nothing = () => {};
    const read = new PendingRead(
      { retry: () => undefined, readEnded: nothing },
      nothing,
      { resolve: nothing, reject: nothing },
      new Bounds("read", { signal: controller.signal }, new VirtualClock()),
    );
    controller.abort();
    assert.deepEqual(seen, [true]);
  });
});
