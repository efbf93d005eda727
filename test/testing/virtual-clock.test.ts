import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "asyncio-streams/testing";
import { nextTurn, turns } from "../support/turns.js";

describe("a VirtualClock", () => {
  it("begins at 0 and stands still, whatever else happens", async () => {
    const clock = new VirtualClock();
    let ran = false;
    clock.setTimer(0, () => {
      ran = true;
    });
    await turns(100);
    assert.deepEqual([clock.now(), ran, clock.pending], [0, false, 1]);
  });

  it("advance() runs timers at their time, in its order, and of equal ones the first set first", async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    for (const [delay, name] of [
      [30, "c"],
      [10, "a"],
      [30, "d"],
      [20, "b"],
      [31, "late"],
    ] as const) {
      clock.setTimer(delay, () => ran.push(`${name} at ${clock.now()}`));
    }
    await clock.advance(30);
    assert.deepEqual(ran, ["a at 10", "b at 20", "c at 30", "d at 30"]);
    assert.equal(clock.now(), 30);
    assert.equal(clock.pending, 1);
  });

  it("advance() lets happen what a timer sets in motion before the next one runs, and runs what is set on the way", async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.setTimer(10, () => {
      ran.push("first");
      void nextTurn().then(() => {
        ran.push("after it");
        clock.setTimer(5, () => ran.push(`set on the way, at ${clock.now()}`));
      });
    });
    clock.setTimer(20, () => ran.push("second"));
    await clock.advance(20);
    assert.deepEqual(ran, ["first", "after it", "set on the way, at 15", "second"]);
  });

  it("setTimer() gives a way to take the timer back, which does nothing later", async () => {
    const clock = new VirtualClock();
    let runs = 0;
    const [cancel, keep] = [1, 2].map(() => clock.setTimer(10, () => runs++));
    cancel!();
    cancel!();
    assert.equal(clock.pending, 1);
    await clock.advance(10);
    keep!();
    assert.deepEqual([runs, clock.pending], [1, 0]);
  });

  it("advance() can be called while another call is under way; time goes to the later end, and never back", async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    let last = 0;
    const look = () => {
      assert.ok(clock.now() >= last, `from ${last} back to ${clock.now()}`);
      last = clock.now();
    };
    for (const delay of [20, 30]) {
      clock.setTimer(delay, () => {
        ran.push(delay);
        look();
      });
    }
    const calls = Promise.all([clock.advance(30), clock.advance(10)]);
    for (let turn = 0; turn < 200; turn++) {
      await nextTurn();
      look();
    }
    await calls;
    assert.deepEqual(ran, [20, 30]);
    assert.equal(clock.now(), 30);
  });

  it("advance() rejects with what a timer throws", async () => {
    const clock = new VirtualClock();
    clock.setTimer(1, () => {
      throw new RangeError("from the timer");
    });
    await assert.rejects(clock.advance(5), { message: "from the timer" });
    assert.equal(clock.pending, 0);
  });

  it("jump() runs what is due late, at the new time and in order, before anything that is under way", async () => {
    const clock = new VirtualClock();
    const ran: [string, number][] = [];
    const runs = (name: string) => () => void ran.push([name, clock.now()]);
    clock.setTimer(30, runs("third"));
    clock.setTimer(10, () => {
      ran.push(["first", clock.now()]);
      clock.setTimer(0, runs("set by the first"));
      takeBack();
    });
    const takeBack = clock.setTimer(20, runs("taken back by the first"));
    clock.setTimer(1001, runs("later"));
    void nextTurn().then(runs("under way"));
    await clock.jump(1000);
    assert.deepEqual(
      ran,
      ["first", "third", "under way", "set by the first"].map((name) => [name, 1000]),
    );
    assert.equal(clock.pending, 1);
  });

  it("jump() rejects with what a timer throws", async () => {
    const clock = new VirtualClock();
    clock.setTimer(1, () => {
      throw new RangeError("from the timer");
    });
    await assert.rejects(clock.jump(5), { message: "from the timer" });
  });

  it("with autoAdvance jumps to each timer as soon as nothing else happens", async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      await new Promise<void>((resolve) => clock.setTimer(3_600_000, resolve));
      times.push(clock.now());
    }
    assert.deepEqual(times, [3_600_000, 7_200_000, 10_800_000]);
  });

  it("with autoAdvance waits as long as stir() tells of something", async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    let ran = false;
    clock.setTimer(1, () => {
      ran = true;
    });
    for (let turn = 0; turn < 200; turn++) {
      await nextTurn();
      clock.stir();
    }
    assert.equal(ran, false);
    await turns(50);
    assert.equal(ran, true);
  });

  it("with autoAdvance does not move by itself while advance() moves it", async () => {
    const clock = new VirtualClock({ autoAdvance: true });
    const ran: number[] = [];
    for (const delay of [10, 20, 500]) clock.setTimer(delay, () => ran.push(clock.now()));
    await clock.advance(20);
    assert.deepEqual(ran, [10, 20]);
    assert.equal(clock.now(), 20);
    await turns(50);
    assert.deepEqual(ran, [10, 20, 500]);
  });

  it("refuses wrong arguments", async () => {
    const clock = new VirtualClock();
    for (const wrong of [-1, Number.NaN, Infinity]) {
      assert.throws(() => clock.setTimer(wrong, () => {}), RangeError);
      await assert.rejects(clock.advance(wrong), RangeError);
    }
    assert.throws(() => clock.setTimer("1" as never, () => {}), TypeError);
    await assert.rejects(clock.advance(undefined as never), {
      name: "TypeError",
      message: "ms must be a number of milliseconds, not undefined",
    });
    assert.throws(() => new VirtualClock({ autoAdvance: 1 as never }), TypeError);
    assert.throws(() => new VirtualClock({ auto: true } as never), TypeError);
    assert.equal(clock.pending, 0);
  });
});
