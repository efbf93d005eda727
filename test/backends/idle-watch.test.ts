import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IdleTimeoutError } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { nextTurn } from "#src/testing/event-loop.js";
import { IdleWatch } from "#src/backends/idle-watch.js";

function watchOf(limit: number) {
  const clock = new VirtualClock();
  const watched = {
    isPaused: false,
    errors: [] as Error[],
    isReading: () => !watched.isPaused,
    endWith: (error: Error) => void watched.errors.push(error),
  };
  return { clock, watched, watch: new IdleWatch(limit, clock, watched) };
}

describe("IdleWatch", () => {
  it("ends with the limit when that has passed since the last byte, and not before", async () => {
    const { clock, watched, watch } = watchOf(100);
    watch.restart();
    for (let round = 0; round < 5; round++) {
      await clock.advance(99);
      watch.restart();
    }
    await clock.advance(99);
    assert.equal(watched.errors.length, 0);
    await clock.advance(1);
    const error = watched.errors[0] as IdleTimeoutError;
    assert.ok(error instanceof IdleTimeoutError);
    assert.equal(error.timeout, 100);
    assert.equal(clock.pending, 0);
  });

  it("sets one timer, however much comes", () => {
    const { clock, watch } = watchOf(100);
    for (let round = 0; round < 1000; round++) watch.restart();
    assert.equal(clock.pending, 1);
  });

  it("does not count a pause, and restarts after it", async () => {
    const { clock, watched, watch } = watchOf(100);
    watch.restart();
    watched.isPaused = true;
    await clock.advance(1000);
    assert.equal(clock.pending, 0);
    watched.isPaused = false;
    watch.restart();
    await clock.advance(99);
    assert.equal(watched.errors.length, 0);
    await clock.advance(1);
    assert.equal(watched.errors.length, 1);
  });

  it("is not ended by a busy event loop while what came meanwhile is still to be taken", async () => {
    const { clock, watched, watch } = watchOf(100);
    watch.restart();
    const taken = nextTurn().then(() => watch.restart());
    await clock.jump(1000);
    await taken;
    await clock.advance(99);
    assert.equal(watched.errors.length, 0);
    await clock.advance(1);
    assert.equal(watched.errors.length, 1);
  });

  it("stop() leaves no timer", async () => {
    const { clock, watched, watch } = watchOf(100);
    watch.restart();
    watch.stop();
    assert.equal(clock.pending, 0);
    await clock.advance(1000);
    assert.equal(watched.errors.length, 0);
  });
});
