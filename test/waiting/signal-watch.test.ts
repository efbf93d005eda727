import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { watchSignal } from "#src/waiting/signal-watch.js";
import { nextTurn } from "../support/turns.js";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("watchSignal()", () => {
  it("calls each that watches, once, in the order in which they came", () => {
    const controller = new AbortController();
    const calls: number[] = [];
    for (const caller of [1, 2, 3]) watchSignal(controller.signal, () => calls.push(caller));
    controller.abort();
    controller.abort();
    assert.deepEqual(calls, [1, 2, 3]);
  });

  it("leaves one listener on the signal while anybody watches it, and then none", () => {
    const { signal } = new AbortController();
    const stops = Array.from({ length: 1_000 }, () => watchSignal(signal, () => {}));
    assert.equal(listeners(signal), 1);
    for (const stop of stops.slice(1)) stop();
    assert.equal(listeners(signal), 1);
    stops[0]!();
    assert.equal(listeners(signal), 0);
    watchSignal(signal, () => {})();
    assert.equal(listeners(signal), 0);
  });

  it("is no reason for a warning of too many listeners", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    try {
      const { signal } = new AbortController();
      const stops = Array.from({ length: 100 }, () => watchSignal(signal, () => {}));
      await nextTurn();
      for (const stop of stops) stop();
    } finally {
      process.off("warning", note);
    }
    assert.deepEqual(warnings, []);
  });

  it("does not call one that has ended its watch, not even while the others are called", () => {
    const controller = new AbortController();
    const calls: number[] = [];
    const stops = [1, 2, 3].map((caller) =>
      watchSignal(controller.signal, () => {
        calls.push(caller);
        stops[1]!();
      }),
    );
    controller.abort();
    assert.deepEqual(calls, [1, 3]);
  });

  it("ends a watch once, however often it is told", () => {
    const { signal } = new AbortController();
    const stop = watchSignal(signal, () => {});
    stop();
    watchSignal(signal, () => {});
    stop();
    assert.equal(listeners(signal), 1);
  });

  it("keeps signals apart", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const calls: string[] = [];
    watchSignal(one.signal, () => calls.push("one"));
    watchSignal(other.signal, () => calls.push("other"));
    other.abort();
    assert.deepEqual(calls, ["other"]);
  });
});
