import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COPY_UP_TO, WriteBatch } from "#src/backends/node/write-batch.js";
import { patternBytes } from "../../support/bytes.js";

describe("WriteBatch", () => {
  it("copies what is small, and keeps what is larger by reference", () => {
    const batch = new WriteBatch("shared");
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
    const batch = new WriteBatch("shared");
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
    const batch = new WriteBatch("shared");
    while (batch.bytes <= 65_536) batch.add(patternBytes(10));
    assert.equal(batch.take().length, 1);
  });

  it("joins what is written while it may not be sent into few pieces, in order", () => {
    const batch = new WriteBatch("shared");
    const added = Array.from({ length: 300 }, (_, index) => patternBytes(1_000, index));
    for (const data of added) batch.add(data);
    const taken = batch.take();
    assert.ok(taken.length <= 6, `${taken.length} pieces`);
    assert.ok(Buffer.concat(taken).equals(Buffer.concat(added)));
  });

  it("keeps copies that were taken as they are until they are sent, also while others write", () => {
    const [one, other] = [new WriteBatch("shared"), new WriteBatch("shared")];
    const taken: Uint8Array[] = [];
    for (let round = 0; round < 40; round++) {
      for (const batch of [one, other, one]) batch.add(patternBytes(1_500, round));
      taken.push(...one.take(), ...other.take());
    }
    const expected = Array.from({ length: 40 }, (_, round) =>
      Array.from({ length: 3 }, () => patternBytes(1_500, round)),
    );
    assert.ok(Buffer.concat(taken).equals(Buffer.concat(expected.flat())));
    one.sent(true);
    other.sent(true);
  });

  it("gives copies of its own to whoever may keep them", () => {
    const batch = new WriteBatch("own");
    const kept: Uint8Array[] = [];
    for (let round = 0; round < 40; round++) {
      batch.add(patternBytes(100, round));
      batch.add(patternBytes(50, round));
      kept.push(...batch.take());
      batch.sent(true);
    }
    assert.deepEqual(
      kept.map(({ length }) => length),
      Array.from({ length: 40 }, () => 150),
    );
    for (const [round, piece] of kept.entries()) {
      const expected = Buffer.concat([patternBytes(100, round), patternBytes(50, round)]);
      assert.ok(expected.equals(piece));
    }
  });

  it("clear() drops everything", () => {
    const batch = new WriteBatch("shared");
    batch.add(patternBytes(10));
    batch.add(patternBytes(3000));
    batch.clear();
    assert.equal(batch.bytes, 0);
    assert.deepEqual(batch.take(), []);
  });
});
