import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deadline, StreamReader, TimeoutError } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { deadlineOn } from "#src/waiting/deadline.js";
import { leavingNothing } from "../support/open-resources.js";

const WRONG: readonly (readonly [ms: unknown, name: string])[] = [
  ...[0, -1, NaN, Infinity, 2 ** 31].map((ms) => [ms, "RangeError"] as const),
  ...(["5", null, undefined, {}, 5n] as const).map((ms) => [ms, "TypeError"] as const),
];

describe("deadline()", () => {
  it("aborts its signal with a TimeoutError that says how long, when the limit has passed", async () => {
    const clock = new VirtualClock();
    const limit = deadlineOn(clock, 50);
    await clock.advance(49);
    assert.equal(limit.signal.aborted, false);
    await clock.advance(1);
    assert.ok(limit.signal.reason instanceof TimeoutError);
    assert.equal(limit.signal.reason.message, "The deadline of 50 ms has passed");
    assert.equal(clock.pending, 0);
  });

  it("is one limit for all that gets its signal: what is left after one call counts for the next", async () => {
    const clock = new VirtualClock();
    const limit = deadlineOn(clock, 50);
    const reader = new StreamReader({}, clock);
    const first = reader.readLine({ signal: limit.signal });
    await clock.advance(40);
    reader.feedData(Buffer.from("a\nb"));
    assert.equal(String(await first), "a\n");
    const late = assert.rejects(reader.readLine({ signal: limit.signal }), { name: "TimeoutError" });
    await clock.advance(10);
    await late;
    assert.equal(String(await reader.read(9)), "b");
  });

  it("extend() counts also while a read is pending, from the limit and not from now", async () => {
    const clock = new VirtualClock();
    const limit = deadlineOn(clock, 50);
    const reader = new StreamReader({}, clock);
    const read = assert.rejects(reader.readLine({ signal: limit.signal }), {
      name: "TimeoutError",
      message: "The deadline of 80 ms has passed",
    });
    await clock.advance(40);
    assert.equal(limit.extend(30), true);
    await clock.advance(39);
    assert.equal(limit.signal.aborted, false);
    assert.equal(clock.pending, 1);
    await clock.advance(1);
    assert.equal(limit.signal.aborted, true);
    await read;
  });

  it("extend() after the limit or the disposal changes nothing, and says so", async () => {
    const clock = new VirtualClock();
    const passed = deadlineOn(clock, 50);
    await clock.advance(50);
    assert.equal(passed.extend(50), false);
    const disposed = deadlineOn(clock, 50);
    disposed[Symbol.dispose]();
    assert.equal(disposed.extend(50), false);
    assert.equal(clock.pending, 0);
    await clock.advance(100);
    assert.equal(disposed.signal.aborted, false);
  });

  it("extend() of a limit that has passed unnoticed is right about the time", async () => {
    let now = 0;
    let callback = () => {};
    const blocked = {
      now: () => now,
      setTimer: (_: number, run: () => void) => ((callback = run), () => {}),
    };
    const limit = deadlineOn(blocked, 50);
    now = 100;
    assert.equal(limit.extend(40), false, "that would be over too");
    assert.equal(limit.extend(60), true);
    callback();
    assert.equal((limit.signal.reason as Error).message, "The deadline of 110 ms has passed");
  });

  it("extend() keeps to what a timer takes: 2^31-1 ms from now", async () => {
    const clock = new VirtualClock();
    const limit = deadlineOn(clock, 2 ** 31 - 1);
    assert.throws(() => limit.extend(1), {
      name: "RangeError",
      message:
        "the time to the extended deadline must be more than 0 and at most 2147483647 ms, got 2147483648",
    });
    await clock.advance(10);
    assert.equal(limit.extend(10), true);
    assert.throws(() => limit.extend(1), RangeError);
    limit[Symbol.dispose]();
  });

  for (const [ms, name] of WRONG) {
    it(`refuses ${String(ms)} with a ${name}, and extend() too`, () => {
      assert.throws(() => deadline(ms as number), { name, message: /^deadline must be / });
      const limit = deadline(1_000);
      assert.throws(() => limit.extend(ms as number), { name, message: /^extend must be / });
      limit[Symbol.dispose]();
    });
  }

  it("leaves no timer of the system when it is disposed, also twice", () =>
    leavingNothing(async () => {
      for (let round = 0; round < 100; round++) {
        const limit = deadline(60_000);
        limit.extend(60_000);
        limit[Symbol.dispose]();
        limit[Symbol.dispose]();
        assert.equal(limit.signal.aborted, false);
      }
    }));

  it("goes by the time of the system", async () => {
    const limit = deadline(5);
    await assert.rejects(new StreamReader().read(1, { signal: limit.signal }), { name: "TimeoutError" });
  });
});
