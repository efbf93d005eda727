import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PendingRead } from "#src/streams/pending-read.js";
import { isPending } from "../support/turns.js";

describe("PendingRead", () => {
  it("wait() resolves at the next wake(), and a wake() without it is forgotten", async () => {
    const read = new PendingRead();
    read.wake();
    for (let round = 0; round < 2; round++) {
      const waiting = read.wait();
      assert.ok(await isPending(waiting));
      read.wake();
      read.wake();
      await waiting;
      read.throwIfCancelled();
    }
  });

  it("cancel() rejects a wait, now and later", async () => {
    const read = new PendingRead();
    const waiting = read.wait();
    read.cancel("enough");
    await assert.rejects(waiting, (reason) => reason === "enough");
    await assert.rejects(read.wait(), (reason) => reason === "enough");
  });

  it("cancel() counts also after a wake() that has not run yet", async () => {
    const read = new PendingRead();
    const waiting = read.wait();
    read.wake();
    read.cancel("enough");
    await waiting;
    assert.throws(
      () => read.throwIfCancelled(),
      (reason) => reason === "enough",
    );
  });
});
