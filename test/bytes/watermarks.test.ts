import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Watermarks } from "#src/bytes/watermarks.js";

describe("Watermarks", () => {
  it("becomesFull() tells once, above the high mark and not at it (7, 46)", () => {
    const marks = new Watermarks(20, 10);
    assert.deepEqual(
      [19, 20, 21, 22].map((size) => marks.becomesFull(size)),
      [false, false, true, false],
    );
    assert.equal(marks.isFull, true);
  });

  it("becomesFree() tells once, at the low mark and not above it (8, 46)", () => {
    const marks = new Watermarks(20, 10);
    assert.equal(marks.becomesFree(5), false, "it was not full");
    marks.becomesFull(21);
    assert.deepEqual(
      [20, 11, 10, 9].map((size) => marks.becomesFree(size)),
      [false, false, true, false],
    );
    assert.equal(marks.isFull, false);
  });

  it("release() tells whether it was full, and lets it become full anew (8)", () => {
    const marks = new Watermarks(20, 10);
    assert.equal(marks.release(), false);
    marks.becomesFull(21);
    assert.equal(marks.release(), true);
    assert.equal(marks.isFull, false);
    assert.equal(marks.becomesFree(5), false);
    assert.equal(marks.becomesFull(21), true);
  });

  it("move() sets both marks, and keeps on which side the buffer is (46)", () => {
    const marks = new Watermarks(20, 10);
    marks.becomesFull(21);
    marks.move(200, 100);
    assert.deepEqual([marks.low, marks.high, marks.isFull], [100, 200, true]);
    assert.equal(marks.becomesFree(100), true);
    assert.equal(marks.becomesFull(200), false);
  });

  it("is full with one byte and free with none when both marks are 0 (46)", () => {
    const marks = new Watermarks(0, 0);
    assert.deepEqual([marks.becomesFull(0), marks.becomesFull(1)], [false, true]);
    assert.deepEqual([marks.becomesFree(1), marks.becomesFree(0)], [false, true]);
  });
});
