import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COPY_UP_TO, WriteBatch } from "#src/backends/node/write-batch.js";
import { patternBytes } from "../../support/bytes.js";

describe("WriteBatch", () => {
  it("copies what is small, and keeps what is larger by reference", () => {
    const batch = new WriteBatch();
    const small = Buffer.alloc(COPY_UP_TO, "a");
    const large = Buffer.alloc(COPY_UP_TO + 1, "a");
    batch.add(small);
    batch.add(large);
    assert.equal(batch.bytes, small.length + large.length);
    small.fill("b");
    const [first, second] = batch.take();
    assert.equal(first![0], 0x61);
    assert.equal(second, large);
  });

  it("gives everything once, in order, with small neighbours joined into one piece", () => {
    const batch = new WriteBatch();
    const added = [10, 20, 3000, 4000, 5, 5, 2049, 7].map((size, index) => patternBytes(size, index));
    for (const data of added) batch.add(data);
    const taken = batch.take();
    assert.deepEqual(
      taken.map(({ length }) => length),
      [30, 3000, 4000, 10, 2049, 7],
    );
    assert.ok(Buffer.concat(taken).equals(Buffer.concat(added)));
    assert.equal(batch.bytes, 0);
    assert.deepEqual(batch.take(), []);
  });

  it("joins also as much as makes the batch full, which one system call could not take piece by piece", () => {
    const batch = new WriteBatch();
    while (batch.bytes <= 65_536) batch.add(patternBytes(10));
    assert.equal(batch.take().length, 1);
  });

  it("clear() drops everything", () => {
    const batch = new WriteBatch();
    batch.add(patternBytes(10));
    batch.add(patternBytes(3000));
    batch.clear();
    assert.equal(batch.bytes, 0);
    assert.deepEqual(batch.take(), []);
  });
});
