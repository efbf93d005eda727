import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WriteStallError } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { StallWatch } from "#src/backends/stall-watch.js";

function watchOf(limit: number) {
  const clock = new VirtualClock();
  const watched = {
    buffered: 0,
    unacknowledged: undefined as number | undefined,
    looks: 0,
    errors: [] as Error[],
    getWriteBufferSize: () => watched.buffered,
    unacknowledgedBytes: () => {
      watched.looks++;
      return watched.unacknowledged;
    },
    endWith: (error: Error) => void watched.errors.push(error),
  };
  const watch = new StallWatch(limit, clock, watched);
  const write = (bytes: number) => {
    watched.buffered += bytes;
    watch.wrote(bytes);
  };
  return { clock, watched, watch, write };
}

describe("StallWatch", () => {
  it("ends with the limit when none of what is buffered was taken for so long, and not before", async () => {
    const { clock, watched, write } = watchOf(100);
    write(10);
    await clock.advance(99);
    assert.equal(watched.errors.length, 0);
    await clock.advance(1);
    const error = watched.errors[0] as WriteStallError;
    assert.ok(error instanceof WriteStallError);
    assert.equal(error.timeout, 100);
    assert.equal(clock.pending, 0);
  });

  it("ends at the latest a quarter of the limit after that, whenever the last byte was taken", async () => {
    for (const moment of [1, 24, 25, 26, 60, 99]) {
      const { clock, watched, write } = watchOf(100);
      write(10);
      await clock.advance(moment);
      watched.buffered--;
      await clock.advance(99);
      assert.equal(watched.errors.length, 0, `${moment}`);
      await clock.advance(26);
      assert.equal(watched.errors.length, 1, `${moment}`);
    }
  });

  it("takes a byte in each limit for progress, and more that is written for none", async () => {
    const { clock, watched, write } = watchOf(100);
    write(1000);
    for (let round = 0; round < 20; round++) {
      await clock.advance(99);
      watched.buffered--;
    }
    assert.equal(watched.errors.length, 0);
    for (let round = 0; round < 12; round++) {
      await clock.advance(10);
      write(1000);
    }
    await clock.advance(10);
    assert.equal(watched.errors.length, 1);
  });

  it("takes for progress what the peer has acknowledged, and only that it falls", async () => {
    const { clock, watched, write } = watchOf(100);
    watched.unacknowledged = 1000;
    write(10);
    for (let round = 0; round < 20; round++) {
      await clock.advance(90);
      watched.unacknowledged -= 100;
      assert.equal(watched.errors.length, 0);
    }
    for (let round = 0; round < 13 && watched.errors.length === 0; round++) {
      await clock.advance(10);
      watched.unacknowledged += 100;
    }
    assert.equal(watched.errors.length, 1);
  });

  it("does not ask what is acknowledged while what is buffered becomes less", async () => {
    const { clock, watched, write } = watchOf(100);
    write(1000);
    for (let round = 0; round < 20; round++) {
      watched.buffered--;
      await clock.advance(25);
    }
    assert.equal(watched.looks, 0);
  });

  it("sets one timer, however much is written, and none while nothing is buffered", async () => {
    const { clock, watched, write } = watchOf(100);
    for (let round = 0; round < 1000; round++) write(10);
    assert.equal(clock.pending, 1);
    watched.buffered = 0;
    await clock.advance(1000);
    assert.equal(clock.pending, 0);
    assert.equal(watched.errors.length, 0);
    write(10);
    await clock.advance(99);
    assert.equal(watched.errors.length, 0);
    await clock.advance(1);
    assert.equal(watched.errors.length, 1);
  });

  it("stop() leaves no timer", () => {
    const { clock, watch, write } = watchOf(100);
    write(10);
    watch.stop();
    assert.equal(clock.pending, 0);
  });
});
