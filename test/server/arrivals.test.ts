import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { VirtualClock } from "asyncio-streams/testing";
import { Arrivals } from "#src/server/arrivals.js";
import { Bounds, type WaitOptions } from "#src/waiting/bounds.js";
import { isPending } from "../support/turns.js";

const clock = new VirtualClock();
const bounds = (options: WaitOptions = {}) => new Bounds("connections", options, clock);

interface Item {
  readonly id: number;
}
const [one, two, three] = [{ id: 1 }, { id: 2 }, { id: 3 }] as const;

function arrivals(most = 2) {
  const taken: number[] = [];
  const waiting = new Arrivals<Item, Item>(most, (item) => {
    taken.push(item.id);
    return item;
  });
  return { waiting, taken };
}

const got = (value: Item | undefined) => ({ value, done: value === undefined });

describe("Arrivals", () => {
  it("gives in order what waits, and what comes to who waits longest", async () => {
    const { waiting, taken } = arrivals();
    assert.deepEqual([waiting.offer(one), waiting.offer(two), waiting.size], [true, true, 2]);
    const loop = waiting.loop(bounds());
    assert.deepEqual([await loop.next(), await loop.next()], [got(one), got(two)]);
    const [first, second] = [loop.next(), waiting.loop(bounds()).next()];
    assert.equal(await isPending(Promise.race([first, second])), true);
    waiting.offer(three);
    assert.deepEqual(taken, [1, 2, 3], "taken at that moment");
    assert.equal(await isPending(second), true);
    assert.deepEqual(await first, got(three));
    waiting.end();
    await second;
  });

  it("refuses what is too much, until one is taken or removed", async () => {
    const { waiting } = arrivals(1);
    assert.deepEqual([waiting.offer(one), waiting.isFull, waiting.offer(two)], [true, true, false]);
    await waiting.loop(bounds()).next();
    assert.equal(waiting.offer(two), true);
    waiting.remove(two);
    assert.equal(waiting.offer(three), true);
  });

  it("end() ends loops behind what waits, and refuses what comes", async () => {
    const { waiting } = arrivals();
    const pending = waiting.loop(bounds()).next();
    waiting.end();
    assert.deepEqual(await pending, got(undefined));
    assert.equal(waiting.offer(one), false);

    const { waiting: filled } = arrivals();
    filled.offer(one);
    filled.end();
    const loop = filled.loop(bounds());
    assert.deepEqual([await loop.next(), await loop.next()], [got(one), got(undefined)]);
  });

  it("a loop that is left while it waits takes nothing more", async () => {
    const { waiting, taken } = arrivals();
    const loop = waiting.loop(bounds({ timeout: 5 }));
    const pending = loop.next();
    assert.deepEqual(await loop.return!(), got(undefined));
    assert.deepEqual([await pending, await loop.next()], [got(undefined), got(undefined)]);
    waiting.offer(one);
    assert.deepEqual([taken, waiting.size, clock.pending], [[], 1, 0]);
  });

  it("a wait that is timed out or aborted takes nothing, and leaves neither timer nor listener", async () => {
    const { waiting, taken } = arrivals();
    const controller = new AbortController();
    const { signal } = controller;
    const limited = waiting.loop(bounds({ timeout: 5, signal }));
    const timedOut = assert.rejects(limited.next(), {
      name: "TimeoutError",
      message: "connections() did not end within 5 ms",
    });
    await clock.advance(5);
    await timedOut;
    const aborted = assert.rejects(limited.next(), { message: "enough" });
    controller.abort(new Error("enough"));
    await aborted;
    waiting.offer(one);
    await assert.rejects(limited.next(), { message: "enough" });
    assert.deepEqual([taken, clock.pending, getEventListeners(signal, "abort").length], [[], 0, 0]);
    assert.deepEqual(await waiting.loop(bounds()).next(), got(one));
  });

  it("a wait that ends well leaves neither timer nor listener", async () => {
    const { waiting } = arrivals();
    const { signal } = new AbortController();
    const pending = waiting.loop(bounds({ timeout: 5, signal })).next();
    waiting.offer(one);
    await pending;
    assert.deepEqual([clock.pending, getEventListeners(signal, "abort").length], [0, 0]);
  });
});
