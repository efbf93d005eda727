import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "asyncio-streams/testing";
import { PendingRead } from "#src/streams/pending-read.js";
import { Bounds } from "#src/waiting/bounds.js";
import { isPending } from "../support/turns.js";

function boundedRead(): { read: PendingRead; controller: AbortController; clock: VirtualClock } {
  const controller = new AbortController();
  const clock = new VirtualClock();
  const read = new PendingRead(new Bounds("read", { signal: controller.signal, timeout: 50 }, clock));
  return { read, controller, clock };
}

const isEnough = (reason: unknown) => reason === "enough";

describe("PendingRead", () => {
  it("wait() resolves at the next wake(), and a wake() without it is forgotten", async () => {
    const read = new PendingRead();
    read.wake();
    for (let round = 0; round < 2; round++) {
      const waiting = read.wait();
      assert.ok(await isPending(waiting));
      read.wake();
      read.wake();
      await waiting;
      read.throwIfCancelled();
    }
  });

  it("wait() rejects when the bounds end it, now and later", async () => {
    const { read, controller } = boundedRead();
    const waiting = read.wait();
    assert.equal(read.isCancelled, false);
    controller.abort("enough");
    assert.equal(read.isCancelled, true);
    await assert.rejects(waiting, isEnough);
    await assert.rejects(read.wait(), isEnough);
  });

  it("is cancelled by the time too", async () => {
    const { read, clock } = boundedRead();
    const timedOut = assert.rejects(read.wait(), { name: "TimeoutError" });
    await clock.advance(50);
    await timedOut;
    assert.equal(read.isCancelled, true);
  });

  it("throwIfCancelled() counts also after a wake() that has not run yet", async () => {
    const { read, controller } = boundedRead();
    const waiting = read.wait();
    read.wake();
    controller.abort("enough");
    await waiting;
    assert.throws(() => read.throwIfCancelled(), isEnough);
  });

  it("isCancelled is true in a listener of the abort that comes before its own", () => {
    const controller = new AbortController();
    const seen: boolean[] = [];
    controller.signal.addEventListener("abort", () => seen.push(read.isCancelled));
    const read = new PendingRead(new Bounds("read", { signal: controller.signal }, new VirtualClock()));
    controller.abort();
    assert.deepEqual(seen, [true]);
  });

  it("end() leaves nothing that could cancel it", async () => {
    const { read, clock } = boundedRead();
    read.end();
    assert.equal(clock.pending, 0);
  });
});
