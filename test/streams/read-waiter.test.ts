import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReadWaiter } from "#src/streams/read-waiter.js";
import { isPending } from "../support/turns.js";

describe("ReadWaiter", () => {
  it("wait() resolves at the next wake(), and a wake() without it is forgotten", async () => {
    const waiter = new ReadWaiter();
    waiter.wake();
    for (let round = 0; round < 2; round++) {
      const waiting = waiter.wait();
      assert.ok(await isPending(waiting));
      waiter.wake();
      waiter.wake();
      await waiting;
    }
  });
});
