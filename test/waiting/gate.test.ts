import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { VirtualClock } from "asyncio-streams/testing";
import { Bounds } from "#src/waiting/bounds.js";
import { Gate } from "#src/waiting/gate.js";
import { settleDown } from "../support/pending.js";
import { isPending } from "../support/turns.js";

describe("Gate", () => {
  it("pass() resolves at once while it is open", async () => {
    const gate = new Gate("open");
    assert.equal(gate.isOpen, true);
    await gate.pass();
  });

  it("pass() waits while it is shut, for any number, first come, first served (45)", async () => {
    const gate = new Gate("open");
    gate.shut();
    assert.equal(gate.isOpen, false);
    const order: number[] = [];
    const passed = [1, 2, 3].map((caller) => gate.pass().then(() => order.push(caller)));
    assert.ok(await isPending(Promise.race(passed)));
    gate.open();
    await Promise.all(passed);
    assert.deepEqual(order, [1, 2, 3]);
    await gate.pass();
  });

  it("shut() and open() can be repeated", async () => {
    const gate = new Gate("shut");
    gate.shut();
    const first = gate.pass();
    gate.open();
    gate.open();
    await first;
    gate.shut();
    assert.ok(await isPending(gate.pass()));
  });

  it("end() lets all pass, now and later, and is for good (43, 45)", async () => {
    const gate = new Gate("shut");
    const waiting = gate.pass();
    gate.end();
    await waiting;
    gate.shut();
    await gate.pass();
    assert.equal(gate.isOpen, false);
  });

  it("end() with an error rejects all with it, now and later, and is for good (43, 45)", async () => {
    const gate = new Gate("shut");
    const error = new Error("lost");
    const waiting = [gate.pass(), gate.pass()];
    gate.end(() => error);
    for (const pass of waiting) await assert.rejects(pass, error);
    gate.open();
    assert.equal(gate.isOpen, false);
    await assert.rejects(gate.pass(), error);
    await assert.rejects(gate.pass(), error);
  });

  it("end() with an error that nobody waits for is no unhandled rejection (31)", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      new Gate("shut").end(() => new Error("lost"));
      assert.ok(await isPending(new Promise(() => {})));
    } finally {
      process.off("unhandledRejection", note);
    }
    assert.deepEqual(unhandled, []);
  });
});

describe("Gate, within bounds", () => {
  function bounded() {
    const controller = new AbortController();
    const clock = new VirtualClock();
    const bounds = new Bounds("drain", { signal: controller.signal, timeout: 50 }, clock);
    /** Timers and listeners that wait. */
    const left = () => clock.pending + getEventListeners(controller.signal, "abort").length;
    return { controller, clock, bounds, left };
  }

  it("pass() rejects at the abort or the timeout, and leaves the others waiting", async () => {
    const gate = new Gate("shut");
    const { controller, clock, bounds, left } = bounded();
    const other = gate.pass();
    const timedOut = assert.rejects(gate.pass(bounds), {
      name: "TimeoutError",
      message: "drain() did not end within 50 ms",
    });
    await clock.advance(50);
    await timedOut;
    const aborted = assert.rejects(gate.pass(bounds), (reason) => reason === "enough");
    controller.abort("enough");
    await aborted;
    assert.equal(left(), 0);
    assert.ok(await isPending(other));
    gate.open();
    await other;
  });

  it("pass() rejects at once if the signal is aborted when it would wait, and keeps no place", async () => {
    const gate = new Gate("shut");
    const { controller, bounds, left } = bounded();
    controller.abort("enough");
    await assert.rejects(gate.pass(bounds), (reason) => reason === "enough");
    assert.equal(left(), 0);
    gate.open();
  });

  it("pass() leaves neither timer nor listener when it passes, at once or later, well or not", async () => {
    const { bounds, left } = bounded();
    const gate = new Gate("open");
    await gate.pass(bounds);
    gate.shut();
    const later = gate.pass(bounds);
    assert.equal(left(), 2);
    gate.open();
    await later;
    assert.equal(left(), 0);
    gate.shut();
    const ended = gate.pass(bounds);
    gate.end(() => new Error("lost"));
    await assert.rejects(ended, /^Error: lost$/);
    assert.equal(left(), 0);
  });

  it("keeps no entry of one that its bounds have ended", async () => {
    const gate = new Gate("shut");
    let asked = 0;
    class Watched extends Bounds {
      override watch(end: (reason: unknown) => void): () => void {
        const stop = super.watch(end);
        return () => {
          asked++;
          stop();
        };
      }
    }
    const clock = new VirtualClock();
    const passing = [1, 2, 50].map((timeout) => gate.pass(new Watched("drain", { timeout }, clock)));
    const gone = [passing[0]!, passing[1]!].map((pass) => assert.rejects(pass, { name: "TimeoutError" }));
    await clock.advance(2);
    await Promise.all(gone);
    gate.open();
    await passing[2];
    assert.equal(asked, 1, "entries that the gate still had");
  });

  it("tellEnd() tells of the end a moment after it, once, also when that was before", async () => {
    const error = new Error("lost");
    for (const order of ["before", "after"] as const) {
      const gate = new Gate("shut");
      const heard: unknown[] = [];
      const tell = () => gate.tellEnd({ gateEnded: (toError) => heard.push(toError?.()) });
      if (order === "before") tell();
      gate.open();
      gate.end(() => error);
      if (order === "after") tell();
      assert.deepEqual(heard, []);
      await settleDown();
      gate.end();
      await settleDown();
      assert.deepEqual(heard, [error]);
    }
  });
});
