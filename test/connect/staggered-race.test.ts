import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { staggeredRace, type RaceResult } from "#src/connect/staggered-race.js";
import { VirtualClock } from "asyncio-streams/testing";
import { nextTurn } from "../support/turns.js";

/** An attempt that a test ends by hand, and that, as a bad one may, can go on after it was aborted. */
class ScriptedAttempt {
  startedAt: number | undefined;
  signal: AbortSignal | undefined;
  win!: (prize: string) => void;
  fail!: (error: unknown) => void;
}

/** A clock that ran before. */
class LateClock extends VirtualClock {
  override now(): number {
    return super.now() + 1_000;
  }
}

/** A race of `count` scripted attempts at a clock that starts at 0 for the race. */
function race(count: number, delay: number | undefined, signal = new AbortController().signal) {
  const clock = new LateClock();
  const begin = clock.now();
  const attempts = Array.from({ length: count }, () => new ScriptedAttempt());
  const discarded: string[] = [];
  const starters = attempts.map((attempt) => (aborted: AbortSignal) => {
    attempt.startedAt = clock.now() - begin;
    attempt.signal = aborted;
    return new Promise<string>((resolve, reject) => {
      attempt.win = resolve;
      attempt.fail = reject;
    });
  });
  const result: Promise<RaceResult<string>> = staggeredRace(starters, {
    clock,
    delay,
    signal,
    discard: (prize) => discarded.push(prize),
  });
  return { clock, attempts, discarded, result, starts: () => attempts.map(({ startedAt }) => startedAt) };
}

const failure = (name: string, startedAt: number, failedAt: number) => ({ startedAt, failedAt, error: name });

describe("staggeredRace()", () => {
  it("starts the first attempt at once, and without a delay no other before it fails (61)", async () => {
    const { clock, attempts, starts } = race(3, undefined);
    assert.deepEqual(starts(), [0, undefined, undefined]);
    await clock.advance(1_000_000);
    assert.deepEqual(starts(), [0, undefined, undefined]);
    attempts[0]!.fail("no");
    await nextTurn();
    assert.deepEqual(starts(), [0, 1_000_000, undefined]);
  });

  it("starts one more each time the delay has passed (63)", async () => {
    const { clock, starts } = race(3, 250);
    await clock.advance(249);
    assert.deepEqual(starts(), [0, undefined, undefined]);
    await clock.advance(1);
    assert.deepEqual(starts(), [0, 250, undefined]);
    await clock.advance(1_000);
    assert.deepEqual(starts(), [0, 250, 500]);
    assert.equal(clock.pending, 0);
  });

  it("starts the next as soon as the one before fails, and counts the delay from there (63)", async () => {
    const { clock, attempts, starts } = race(3, 250);
    await clock.advance(100);
    attempts[0]!.fail("no");
    await clock.advance(249);
    assert.deepEqual(starts(), [0, 100, undefined]);
    await clock.advance(1);
    assert.deepEqual(starts(), [0, 100, 350]);
  });

  it("does not start the next when an attempt other than the last one fails (63)", async () => {
    const { clock, attempts, starts } = race(3, 250);
    await clock.advance(300);
    attempts[0]!.fail("no");
    await nextTurn();
    assert.deepEqual(starts(), [0, 250, undefined]);
    await clock.advance(200);
    assert.deepEqual(starts(), [0, 250, 500]);
  });

  for (const winner of [0, 1, 2]) {
    it(`ends with the first success, of attempt ${winner}, and aborts the others (63)`, async () => {
      const { clock, attempts, discarded, result } = race(3, 250);
      await clock.advance(500);
      attempts[winner]!.win("prize");
      assert.deepEqual(await result, { prize: "prize" });
      assert.ok(attempts.every(({ signal }) => signal!.aborted));
      assert.deepEqual(discarded, []);
    });
  }

  it("starts nothing after the first success, and leaves no timer (63)", async () => {
    const { clock, attempts, result, starts } = race(3, 250);
    attempts[0]!.win("prize");
    await result;
    assert.equal(clock.pending, 0);
    await clock.advance(1_000);
    assert.deepEqual(starts(), [0, undefined, undefined]);
  });

  it("discards what an attempt wins after the race, however many succeed at once (63)", async () => {
    const { clock, attempts, discarded, result } = race(3, 250);
    await clock.advance(500);
    for (const [index, attempt] of attempts.entries()) attempt.win(`prize ${index}`);
    assert.deepEqual(await result, { prize: "prize 0" });
    await nextTurn();
    assert.deepEqual(discarded, ["prize 1", "prize 2"]);
  });

  it("starts nothing when an attempt that it has aborted fails", async () => {
    const { clock, attempts, result, starts } = race(3, 250);
    await clock.advance(250);
    attempts[0]!.win("first");
    await result;
    attempts[1]!.fail("aborted");
    await nextTurn();
    assert.deepEqual(starts(), [0, 250, undefined]);
  });

  it("takes a success that comes after failures of others (63)", async () => {
    const { clock, attempts, result } = race(3, 250);
    await clock.advance(250);
    attempts[1]!.fail("no");
    await nextTurn();
    attempts[2]!.fail("no");
    attempts[0]!.win("prize");
    assert.deepEqual(await result, { prize: "prize" });
  });

  it("gives all failures in the order of their start, with their times (63)", async () => {
    const { clock, attempts, result } = race(3, 250);
    await clock.advance(250);
    attempts[1]!.fail("second");
    await clock.advance(50);
    attempts[0]!.fail("first");
    await clock.advance(100);
    attempts[2]!.fail("third");
    assert.deepEqual(await result, {
      failures: [failure("first", 0, 300), failure("second", 250, 250), failure("third", 250, 400)],
    });
    assert.equal(clock.pending, 0);
  });

  it("with no attempt at all has no failure", async () => {
    assert.deepEqual(await race(0, 250).result, { failures: [] });
  });

  it("with a delay of 0 starts all without waiting for failures", async () => {
    const { clock, starts } = race(3, 0);
    await clock.advance(0);
    assert.deepEqual(starts(), [0, 0, 0]);
  });

  const stages: readonly [stage: string, reach: (running: ReturnType<typeof race>) => Promise<void>][] = [
    ["at the start", async () => {}],
    ["while several are under way", ({ clock }) => clock.advance(250)],
    ["when the last one is under way", ({ clock }) => clock.advance(500)],
    [
      "when some have failed",
      async ({ clock, attempts }) => {
        attempts[0]!.fail("no");
        await clock.advance(10);
      },
    ],
  ];
  for (const [stage, reach] of stages) {
    it(`rejects with the signal's reason when aborted ${stage}, and leaves neither timer nor listener (66)`, async () => {
      const controller = new AbortController();
      const running = race(3, 250, controller.signal);
      await reach(running);
      const started = running.starts();
      const reason = new Error("enough");
      controller.abort(reason);
      await assert.rejects(running.result, (error) => error === reason);
      assert.ok(running.attempts.every(({ signal }) => signal === undefined || signal.aborted));
      assert.equal(running.clock.pending, 0);
      assert.equal(getEventListeners(controller.signal, "abort").length, 0);
      running.attempts[0]!.win("late");
      await running.clock.advance(1_000);
      assert.deepEqual(running.starts(), started);
      assert.deepEqual(running.discarded, stage === "when some have failed" ? [] : ["late"]);
    });
  }

  it("starts nothing with a signal that is aborted already (66)", async () => {
    const { clock, result, starts } = race(2, 250, AbortSignal.abort("before"));
    await assert.rejects(result, (reason) => reason === "before");
    assert.deepEqual(starts(), [undefined, undefined]);
    assert.equal(clock.pending, 0);
  });

  for (const outcome of ["success", "failure"] as const) {
    it(`leaves no listener on the signal after a ${outcome}`, async () => {
      const { signal } = new AbortController();
      const { attempts, result } = race(1, 250, signal);
      assert.equal(getEventListeners(signal, "abort").length, 1);
      if (outcome === "success") attempts[0]!.win("prize");
      else attempts[0]!.fail("no");
      await result;
      assert.equal(getEventListeners(signal, "abort").length, 0);
    });
  }
});
