import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteQueue } from "#src/bytes/byte-queue.js";
import { patternBytes } from "../support/bytes.js";
import { Random } from "../support/random.js";

/** On both sides of what is gathered (256), copied (1 024) and the size of a page (4 096). */
const SIZES = [1, 2, 3, 100, 256, 257, 1000, 1024, 1025, 2500, 4095, 4096, 4097, 9000];

function queueOf(...chunks: (string | Uint8Array)[]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return queue;
}

function chunksOf(queue: ByteQueue): Buffer[] {
  return Array.from({ length: queue.chunkCount }, (_, index) => queue.chunkAt(index));
}

describe("ByteQueue", () => {
  it("gives bytes out in order, each result the caller's own, however they came and go", () => {
    const random = new Random(1);
    for (let round = 0; round < 60; round++) {
      const queue = new ByteQueue();
      let model = Buffer.alloc(0);
      const kept: { bytes: Buffer; before: Buffer }[] = [];
      for (let step = 0; step < 120; step++) {
        const size = Math.min(random.pick(SIZES), model.length);
        switch (random.within(0, 13)) {
          case 0: {
            const taken = queue.take(size);
            assert.deepEqual(taken, model.subarray(0, size));
            model = model.subarray(size);
            if (random.within(0, 1) === 0) taken.fill(0xff);
            else kept.push({ bytes: taken, before: Buffer.from(taken) });
            break;
          }
          case 1:
            queue.skip(size);
            model = model.subarray(size);
            break;
          case 2: {
            const from = random.within(0, model.length);
            const to = random.within(from, model.length);
            if (from < to)
              assert.deepEqual(queue.copyAt(queue.locate(from), to - from), model.subarray(from, to));
            break;
          }
          case 3: {
            const data = Buffer.alloc(random.pick(SIZES), `${round}.${step} `);
            queue.unshift(data);
            model = Buffer.concat([data, model]);
            data.fill(0xff);
            break;
          }
          case 4: {
            if (model.length === 0) break;
            const chunk = queue.takeChunk();
            assert.ok(chunk.length > 0);
            assert.deepEqual(chunk, model.subarray(0, chunk.length));
            model = model.subarray(chunk.length);
            kept.push({ bytes: chunk, before: Buffer.from(chunk) });
            break;
          }
          case 5: {
            const target = new Uint8Array(random.pick(SIZES));
            const copied = queue.takeInto(target);
            assert.equal(copied, Math.min(target.length, model.length));
            assert.deepEqual(Buffer.from(target.subarray(0, copied)), model.subarray(0, copied));
            model = model.subarray(copied);
            break;
          }
          case 6:
            assert.deepEqual(queue.peek(size), model.subarray(0, size));
            if (size > 0) assert.equal(queue.byteAt(size - 1), model[size - 1]);
            break;
          case 7: {
            const skipped = queue.skipUpTo(2 * size);
            assert.equal(skipped, Math.min(2 * size, model.length));
            model = model.subarray(skipped);
            break;
          }
          case 8: {
            const wanted = model.length + random.pick(SIZES);
            for (let piece = 0; queue.length < wanted; piece++) {
              const bytes = Buffer.alloc(random.pick(SIZES), `${round}.${step}.${piece} `);
              const collected = queue.collect(bytes, wanted);
              assert.equal(collected, Math.min(bytes.length, wanted - model.length));
              model = Buffer.concat([model, bytes.subarray(0, collected)]);
              bytes.fill(0xff);
              if (random.within(0, 3) === 0) break;
            }
            assert.equal(queue.chunkCount, 1);
            break;
          }
          case 9: {
            const bytes = Buffer.alloc(1 + random.pick(SIZES), `${round}.${step} `);
            model = Buffer.concat([model, bytes]);
            queue.pushForMore(bytes, 1 + random.pick(SIZES));
            bytes.fill(0xff);
            break;
          }
          default: {
            const chunk = Buffer.alloc(random.pick(SIZES), `${round}.${step} `);
            model = Buffer.concat([model, chunk]);
            queue.push(chunk);
          }
        }
        assert.equal(queue.length, model.length);
      }
      for (const { bytes, before } of kept) assert.deepEqual(bytes, before);
      assert.deepEqual(queue.take(queue.length), model);
    }
  });

  it("collect() takes memory by what is there, and at last of the size that is wanted", () => {
    const queue = queueOf("head");
    const sizes: number[] = [];
    while (queue.length < 1_000_000) {
      queue.collect(Buffer.alloc(10_000), 1_000_000);
      sizes.push(queue.chunkAt(0).buffer.byteLength / queue.length);
    }
    assert.ok(Math.max(...sizes) <= 16, `${Math.max(...sizes)} times what is there`);
    assert.equal(queue.take(1_000_000).buffer.byteLength, 1_000_000);
  });

  it("pushForMore() takes memory for whole messages, unless that would be much more than what is there", () => {
    const memoryFor = (bytes: number, size: number): number => {
      const queue = new ByteQueue();
      queue.pushForMore(Buffer.alloc(bytes), size);
      return queue.chunkAt(0).buffer.byteLength;
    };
    assert.equal(memoryFor(60_000, 16_000), 64_000);
    assert.equal(memoryFor(1_000, 16_000), 16_000);
    assert.equal(memoryFor(999, 16_000), 999);
  });

  it("keeps the order over many chunks that are queued at once", () => {
    const queue = new ByteQueue();
    const sent = Buffer.from(Array.from({ length: 60_000 }, (_, index) => String(index)).join(" "));
    const received: Buffer[] = [];
    for (let at = 0; at < sent.length; at += 257) {
      queue.push(sent.subarray(at, at + 257));
      if (queue.length > 50_000) received.push(queue.take(250 + (at % 20)));
    }
    while (queue.length > 0) received.push(queue.take(Math.min(200, queue.length)));
    assert.ok(Buffer.concat(received).equals(sent));
  });

  it("locate() finds each position, from both ends", () => {
    const queue = queueOf("a".repeat(300), "b", "c".repeat(300), "d".repeat(10), "e".repeat(300));
    queue.skip(7);
    const rest = queue.copyAt(queue.locate(0), queue.length).toString();
    for (let position = 0; position < rest.length; position++) {
      const { index, start } = queue.locate(position);
      assert.equal(String.fromCharCode(queue.chunkAt(index)[start]!), rest[position], `at ${position}`);
    }
  });

  it("take() gives a small result as a copy, so that keeping it does not keep its chunk", () => {
    const chunk = Buffer.alloc(65_536, "x");
    const queue = queueOf(chunk);
    for (const size of [1, 32, 1024]) assert.notEqual(queue.take(size).buffer, chunk.buffer, `${size} bytes`);
    const slab = Buffer.alloc(2 * Buffer.poolSize, "y");
    assert.notEqual(queueOf(slab.subarray(5, 105)).take(100).buffer, slab.buffer, "a chunk inside a slab");
  });

  it("take() does not copy a large result that lies in one chunk", () => {
    const chunk = Buffer.alloc(65_536, "x");
    const queue = queueOf(chunk);
    assert.equal(queue.take(4096).buffer, chunk.buffer);
    assert.equal(queue.take(queue.length).buffer, chunk.buffer);
  });

  it("take(0) gives no bytes, from an empty queue too", () => {
    assert.equal(new ByteQueue().take(0).length, 0);
    const queue = queueOf("abc");
    assert.equal(queue.take(0).length, 0);
    assert.equal(queue.length, 3);
  });

  it("push() takes no bytes as nothing", () => {
    const queue = queueOf("", "ab", "", "c");
    assert.equal(queue.length, 3);
    assert.equal(queue.take(3).toString(), "abc");
  });

  it("no bytes are no chunk, neither behind nor in front", () => {
    assert.equal(queueOf("", "ab").takeChunk().toString(), "ab");
    const queue = queueOf("ab");
    queue.unshift(Buffer.alloc(0));
    assert.equal(queue.takeChunk().toString(), "ab");
  });

  it("take() gives a small chunk whole, without a copy, if its memory is no larger than that of a copy may be", () => {
    for (const [size, memory, isCopied] of [
      [64, 64, false],
      [64, 128, false],
      [64, 129, true],
      [100, Buffer.poolSize, false],
      [100, Buffer.poolSize + 1, true],
    ] as const) {
      const chunk = Buffer.from(new ArrayBuffer(memory), 0, size);
      assert.equal(queueOf(chunk).take(size).buffer !== chunk.buffer, isCopied, `${size} of ${memory} bytes`);
    }
  });

  it("take() gives up to 64 bytes memory of their own size, if nothing small was taken shortly before", () => {
    for (const size of [1, 63, 64]) {
      const queue = queueOf(Buffer.alloc(65_536, "x"));
      for (let round = 0; round < 10; round++) {
        assert.equal(queue.take(size).buffer.byteLength, size);
        queue.skip(size);
      }
    }
  });

  it("take() gives many small results from one chunk as views on shared copies of at most 8 KiB", () => {
    const chunk = Buffer.alloc(65_536, "x");
    const queue = queueOf(chunk);
    const results = Array.from({ length: 2048 }, () => queue.take(32));
    const memories = new Set(results.map(({ buffer }) => buffer));
    assert.ok(memories.size < 24, `${memories.size} copies`);
    assert.ok([...memories].every(({ byteLength }) => byteLength <= 8192));
    const list = [...memories];
    const places = new Set(results.map((part) => `${list.indexOf(part.buffer)}+${part.byteOffset}`));
    assert.equal(places.size, results.length, "each is somewhere of its own");
  });

  it("pushForSmallParts() copies to where small results can be views, until a large one is taken", () => {
    const queue = queueOf(patternBytes(65_536));
    assert.equal(queue.isTakenInSmallParts, false);
    while (queue.length > 0) queue.take(64);
    assert.equal(queue.isTakenInSmallParts, true);

    const memory = patternBytes(65_536);
    queue.pushForSmallParts(memory);
    memory.fill(0);
    const results = Array.from({ length: 1023 }, () => queue.take(64));
    assert.ok(Buffer.concat(results).equals(patternBytes(65_536 - 64)));
    const memories = [...new Set(results.map(({ buffer }) => buffer))];
    assert.deepEqual(
      memories.map(({ byteLength }) => byteLength),
      Array.from({ length: 8 }, () => 8192),
    );

    queue.pushForSmallParts(patternBytes(20_000));
    const last = patternBytes(65_536).subarray(-64);
    assert.ok(queue.take(5064).equals(Buffer.concat([last, patternBytes(5000)])));
    assert.equal(queue.isTakenInSmallParts, false);
    assert.ok(queue.take(15_000).equals(patternBytes(20_000).subarray(5000)));
  });

  it("locate() walks from the nearer end", () => {
    let visits = 0;
    class CountingQueue extends ByteQueue {
      override chunkAt(index: number) {
        visits++;
        return super.chunkAt(index);
      }
    }
    const queue = new CountingQueue();
    for (let pushed = 0; pushed < 100; pushed++) queue.push(Buffer.alloc(300));
    for (const position of [0, 300, 29_400, 29_999]) {
      visits = 0;
      queue.locate(position);
      assert.ok(visits <= 4, `${visits} chunks looked up for ${position}`);
    }
  });

  it("push() takes a plain Uint8Array without a copy, and copies shared memory", () => {
    const plain = Uint8Array.from({ length: 5000 }, (_, index) => index);
    const taken = queueOf(plain.subarray(1)).take(4999);
    assert.ok(Buffer.isBuffer(taken));
    assert.equal(taken.buffer, plain.buffer);
    assert.deepEqual(taken, Buffer.from(plain.subarray(1)));

    const shared = new Uint8Array(new SharedArrayBuffer(5000)).fill(7);
    const copy = queueOf(shared).take(5000);
    shared.fill(8);
    assert.ok(copy.buffer instanceof ArrayBuffer);
    assert.deepEqual(copy, Buffer.alloc(5000, 7));
  });

  it("takeChunk() does not copy, and gives what is left of a chunk that was begun", () => {
    const chunk = Buffer.alloc(5_000, "x");
    const queue = queueOf(chunk, Buffer.alloc(5_000, "y"));
    queue.skip(1);
    const taken = queue.takeChunk();
    assert.equal(taken.buffer, chunk.buffer);
    assert.equal(taken.length, 4_999);
    assert.equal(queue.length, 5_000);
  });

  it("unshift() takes up no room that grows when what was read is put back again and again", () => {
    const queue = queueOf(Buffer.alloc(5_000, "x"), Buffer.alloc(5_000, "y"));
    for (let round = 0; round < 10_000; round++) queue.unshift(queue.take(10));
    assert.equal(queue.length, 10_000);
    assert.ok(queue.chunkCount <= 3, `${queue.chunkCount} chunks`);
  });

  it("push() gathers dribbled bytes in pages, so that each costs about its own size", () => {
    const queue = queueOf("first");
    const slab = Buffer.alloc(65_536, "x");
    for (let at = 0; at < 65_536; at++) queue.push(slab.subarray(at, at + 1));
    assert.ok(queue.chunkCount <= 1 + 65_536 / 4096, `${queue.chunkCount} chunks`);
    const gathered = chunksOf(queue).slice(1);
    const buffers = new Set(gathered.map((chunk) => chunk.buffer));
    assert.ok(!buffers.has(slab.buffer), "what was received is not kept");
    assert.ok([...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0) <= 65_536 + 3 * 4096);
  });

  it("push() gathers chunks of up to 256 bytes", () => {
    assert.equal(queueOf("first", Buffer.alloc(256), Buffer.alloc(256)).chunkCount, 2);
    assert.equal(queueOf("first", Buffer.alloc(257), Buffer.alloc(257)).chunkCount, 3);
  });

  it("push() gathers behind nothing but the end of its page", () => {
    const queue = queueOf("first", Buffer.alloc(200, "a"), Buffer.alloc(100, "b"));
    const foreign = Buffer.alloc(300, "c");
    queue.push(foreign);
    queue.push(Buffer.from("ends where the page does, elsewhere"));
    assert.equal(queue.take(5).toString(), "first");
    const page = queue.takeChunk();
    assert.equal(page.toString(), "a".repeat(200) + "b".repeat(100));
    assert.equal(queue.takeChunk(), foreign);
    queue.push(page.subarray(0, 280));
    queue.push(Buffer.from("ends before the page does"));
    const rest = `ends where the page does, elsewhere${page.toString().slice(0, 280)}ends before the page does`;
    assert.equal(queue.take(queue.length).toString(), rest);
  });

  it("keeps no list of the chunks that were read, when it never runs empty", () => {
    const chunk = Buffer.alloc(300);
    const lengths: number[] = [];
    const { push } = Array.prototype;
    // oxlint-disable-next-line eslint/no-extend-native -- put back below
    Array.prototype.push = function (...items) {
      const length = push.apply(this, items);
      if (items[0] === chunk) lengths[lengths.length] = length;
      return length;
    };
    try {
      const queue = queueOf(chunk);
      for (let round = 0; round < 1_000; round++) {
        queue.push(chunk);
        queue.takeChunk();
      }
    } finally {
      Array.prototype.push = push; // oxlint-disable-line eslint/no-extend-native
    }
    assert.equal(lengths.length, 1_001);
    assert.ok(Math.max(...lengths) < 200, `a list of ${Math.max(...lengths)} chunks`);
  });

  it("keeps no page that was read, when it never runs empty", () => {
    const queue = queueOf("x");
    for (let round = 0; round < 100_000; round++) {
      queue.push(Buffer.from([round]));
      assert.equal(queue.take(1)[0], round === 0 ? 0x78 : (round - 1) & 0xff);
      assert.ok(queue.chunkCount <= 2);
    }
  });
});
