import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LazySignal } from "#src/waiting/lazy-signal.js";

describe("LazySignal", () => {
  it("is aborted with the first reason, whether it was asked for before or after", () => {
    for (const early of [true, false]) {
      const lazy = new LazySignal();
      if (early) assert.equal(lazy.signal.aborted, false);
      lazy.abort(() => "first");
      lazy.abort(() => "second");
      assert.equal(lazy.signal.reason, "first");
      assert.equal(lazy.signal, lazy.signal);
    }
  });

  it("makes no reason while nobody asks", () => {
    new LazySignal().abort(() => assert.fail("nobody has asked"));
  });
});
