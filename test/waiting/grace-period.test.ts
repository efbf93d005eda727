import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "asyncio-streams/testing";
import { GracePeriod } from "#src/waiting/grace-period.js";

function gracePeriod() {
  const clock = new VirtualClock();
  const ends: number[] = [];
  return { clock, ends, grace: new GracePeriod(clock, () => void ends.push(clock.now())) };
}

describe("GracePeriod", () => {
  it("is over at the earliest of the limits that were set, once", async () => {
    const { clock, ends, grace } = gracePeriod();
    const begin = clock.now();
    for (const ms of [50, 70, 50, 30, 31]) grace.endWithin(ms);
    assert.equal(clock.pending, 1);
    await clock.advance(29);
    assert.deepEqual(ends, []);
    await clock.advance(100);
    assert.deepEqual(ends, [begin + 30]);
  });

  it("is over at once within 0 ms, or when cut; no later limit begins it again", async () => {
    for (const end of [(grace: GracePeriod) => grace.endWithin(0), (grace: GracePeriod) => grace.cut()]) {
      const { clock, ends, grace } = gracePeriod();
      grace.endWithin(50);
      end(grace);
      assert.deepEqual([ends.length, clock.pending], [1, 0]);
      end(grace);
      grace.endWithin(10);
      await clock.advance(100);
      assert.deepEqual([ends.length, clock.pending], [1, 0]);
    }
  });

  it("cancelled, is not over, and leaves no timer", async () => {
    const { clock, ends, grace } = gracePeriod();
    grace.cancel();
    grace.endWithin(50);
    grace.cancel();
    assert.equal(clock.pending, 0);
    await clock.advance(100);
    assert.deepEqual(ends, []);
  });
});
