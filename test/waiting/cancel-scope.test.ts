import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { TimeoutError } from "asyncio-streams";
import { CancelScope, unlessAborted } from "#src/waiting/cancel-scope.js";
import { Bounds, type WaitOptions } from "#src/waiting/bounds.js";
import { VirtualClock } from "asyncio-streams/testing";

function scopeOf(options: WaitOptions, clock = new VirtualClock()): CancelScope {
  return new CancelScope(new Bounds("openConnection", options, clock));
}

describe("CancelScope", () => {
  it("aborts with the reason of the caller's signal", () => {
    const controller = new AbortController();
    const scope = scopeOf({ signal: controller.signal });
    assert.equal(scope.signal.aborted, false);
    controller.abort("enough");
    assert.equal(scope.signal.reason, "enough");
  });

  it("is aborted from the start by a signal that is aborted already", () => {
    const scope = scopeOf({ signal: AbortSignal.abort("before") });
    assert.equal(scope.signal.reason, "before");
  });

  it("aborts after the timeout with a TimeoutError that says what and how long", async () => {
    const clock = new VirtualClock();
    const { signal } = scopeOf({ timeout: 50 }, clock);
    await clock.advance(49);
    assert.equal(signal.aborted, false);
    await clock.advance(1);
    assert.ok(signal.reason instanceof TimeoutError);
    const { name, code, message } = signal.reason;
    assert.deepEqual(
      [name, code, message],
      ["TimeoutError", "ETIMEDOUT", "openConnection() did not end within 50 ms"],
    );
  });

  it("keeps the first of two reasons", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const scope = scopeOf({ signal: controller.signal, timeout: 50 }, clock);
    controller.abort("enough");
    await clock.advance(50);
    assert.equal(scope.signal.reason, "enough");
  });

  it("leaves neither timer nor listener when disposed", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const scope = scopeOf({ signal: controller.signal, timeout: 50 }, clock);
    assert.equal(clock.pending, 1);
    assert.equal(getEventListeners(controller.signal, "abort").length, 1);
    scope.dispose();
    assert.equal(clock.pending, 0);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    controller.abort();
    assert.equal(scope.signal.aborted, false);
  });
});

describe("unlessAborted()", () => {
  const never = new Promise<never>(() => {});

  it("rejects with the signal's reason as soon as it is aborted, now or before", async () => {
    const controller = new AbortController();
    const pending = unlessAborted(never, controller.signal);
    controller.abort("enough");
    await assert.rejects(pending, (reason) => reason === "enough");
    await assert.rejects(unlessAborted(never, controller.signal), (reason) => reason === "enough");
  });

  it("is as the promise otherwise, and leaves no listener", async () => {
    const { signal } = new AbortController();
    assert.equal(await unlessAborted(Promise.resolve(1), signal), 1);
    await assert.rejects(unlessAborted(Promise.reject(new Error("no")), signal), /^Error: no$/);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });
});
