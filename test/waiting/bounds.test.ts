import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { TimeoutError } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { Bounds, type WaitOptions } from "#src/waiting/bounds.js";

const clock = new VirtualClock();

/** What a wait bounded by `options` ended with, so far. */
function watched(options: WaitOptions): { reasons: unknown[]; stop: () => void; clock: VirtualClock } {
  const own = new VirtualClock();
  const reasons: unknown[] = [];
  const stop = new Bounds("read", options, own).watch((reason) => reasons.push(reason));
  return { reasons, stop, clock: own };
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

/** Options that a method refuses. */
const WRONG: readonly (readonly [options: unknown, error: { name: string; message: string }])[] = [
  ...[0, -1, NaN, Infinity, -Infinity, 2 ** 31].map((timeout) => {
    const message = `timeout must be more than 0 and at most 2147483647 ms, got ${timeout}`;
    return [{ timeout }, { name: "RangeError", message }] as const;
  }),
  ...(["5", null, true, 5n, {}] as const).map((timeout) => {
    const message = `timeout must be a number of milliseconds, not ${shown(timeout)}`;
    return [{ timeout }, { name: "TypeError", message }] as const;
  }),
  ...[null, "now", 5, {}, new AbortController(), () => {}].map((signal) => {
    const message = `signal must be an AbortSignal, not ${shown(signal)}`;
    return [{ signal }, { name: "TypeError", message }] as const;
  }),
  [{ timeOut: 5 }, { name: "TypeError", message: 'read() got an unexpected option "timeOut"' }],
  [500, { name: "TypeError", message: "read() options must be an object, not number 500" }],
  [
    new AbortController().signal,
    { name: "TypeError", message: "read() options must be an object, not an instance of AbortSignal" },
  ],
];

function shown(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "object") return `an instance of ${value.constructor.name}`;
  if (typeof value === "function") return "function";
  return `${typeof value} ${typeof value === "string" ? `"${value}"` : String(value)}`;
}

describe("Bounds.from() and of()", () => {
  for (const [options, error] of WRONG) {
    it(`refuse ${inspect(options, { depth: 0, breakLength: Infinity })} with a ${error.name}`, () => {
      for (const name of ["from", "of"] as const) {
        assert.throws(() => Bounds[name]("read", options as WaitOptions, clock), error);
      }
    });
  }

  it("are none without options", () => {
    assert.equal(Bounds.from("read", undefined, clock), undefined);
    assert.equal(Bounds.of("read", undefined, clock), undefined);
  });

  it("take the shortest and the longest timeout, and options that are undefined", () => {
    for (const timeout of [Number.MIN_VALUE, 1, 2 ** 31 - 1, undefined]) {
      assert.ok(Bounds.of("read", { timeout, signal: undefined }, clock));
    }
  });

  it("of() throws the reason of a signal that is aborted, from() waits to be asked", () => {
    const options = { signal: AbortSignal.abort("enough") };
    assert.throws(
      () => Bounds.of("read", options, clock),
      (reason) => reason === "enough",
    );
    const bounds = Bounds.from("read", options, clock)!;
    assert.equal(bounds.isAborted, true);
    assert.throws(
      () => bounds.throwIfAborted(),
      (reason) => reason === "enough",
    );
  });
});

describe("Bounds.watch()", () => {
  it("ends with the reason of the signal, at once and once", async () => {
    const controller = new AbortController();
    const { reasons, clock } = watched({ signal: controller.signal, timeout: 50 });
    controller.abort("enough");
    assert.deepEqual(reasons, ["enough"]);
    assert.equal(clock.pending, 0);
    await clock.advance(50);
    assert.deepEqual(reasons, ["enough"]);
  });

  it("ends after the timeout with a TimeoutError that says what and how long, once", async () => {
    const controller = new AbortController();
    const { reasons, clock } = watched({ signal: controller.signal, timeout: 50 });
    await clock.advance(49);
    assert.equal(reasons.length, 0);
    await clock.advance(1);
    assert.deepEqual(reasons.map(String), ["TimeoutError: read() did not end within 50 ms"]);
    for (const reason of reasons) assert.ok(reason instanceof TimeoutError);
    assert.equal(listeners(controller.signal), 0);
    controller.abort();
    assert.equal(reasons.length, 1);
  });

  it("ends before it returns if the signal is aborted already, and sets no timer", () => {
    const signal = AbortSignal.abort("before");
    const { reasons, stop, clock } = watched({ signal, timeout: 50 });
    assert.deepEqual(reasons, ["before"]);
    assert.equal(clock.pending, 0);
    assert.equal(listeners(signal), 0);
    stop();
  });

  it("leaves neither timer nor listener when it is stopped, also twice", async () => {
    const controller = new AbortController();
    const { reasons, stop, clock } = watched({ signal: controller.signal, timeout: 50 });
    assert.deepEqual([clock.pending, listeners(controller.signal)], [1, 1]);
    stop();
    stop();
    assert.deepEqual([clock.pending, listeners(controller.signal)], [0, 0]);
    controller.abort();
    await clock.advance(50);
    assert.deepEqual(reasons, []);
  });

  it("serves any number of waits, each with the whole timeout", async () => {
    const clock = new VirtualClock();
    const bounds = new Bounds("lines", { timeout: 50 }, clock);
    const ended: string[] = [];
    bounds.watch(() => ended.push("first"));
    await clock.advance(30);
    bounds.watch(() => ended.push("second"));
    await clock.advance(20);
    assert.deepEqual(ended, ["first"]);
    await clock.advance(30);
    assert.deepEqual(ended, ["first", "second"]);
  });
});
