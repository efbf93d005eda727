import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Gate } from "#src/waiting/gate.js";
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
    gate.end(undefined);
    await waiting;
    gate.shut();
    await gate.pass();
    assert.equal(gate.isOpen, false);
  });

  it("end() with an error rejects all with it, now and later, and is for good (43, 45)", async () => {
    const gate = new Gate("shut");
    const error = new Error("lost");
    const waiting = [gate.pass(), gate.pass()];
    gate.end(error);
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
      new Gate("shut").end(new Error("lost"));
      assert.ok(await isPending(new Promise(() => {})));
    } finally {
      process.off("unhandledRejection", note);
    }
    assert.deepEqual(unhandled, []);
  });
});
