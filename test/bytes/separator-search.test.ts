import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteQueue } from "#src/bytes/byte-queue.js";
import { SeparatorSearch, toSeparators, type SeparatorMatch } from "#src/bytes/separator-search.js";
import { kindOf } from "#src/describe.js";
import { countBytesLookedAt } from "../support/count-work.js";
import { Random } from "../support/random.js";

/** Counts how often a chunk is looked up. */
class CountingQueue extends ByteQueue {
  visits = 0;
  override chunkAt(index: number): Buffer<ArrayBuffer> {
    this.visits++;
    return super.chunkAt(index);
  }
}

function searchFor(...separators: string[]): SeparatorSearch {
  return new SeparatorSearch(toSeparators(separators));
}

/** The rule, word by word: the smallest end; of those that end there, the shortest. */
function plainSearch(text: string, separators: readonly string[]): SeparatorMatch | undefined {
  for (let end = 1; end <= text.length; end++) {
    const ending = separators.filter((separator) => text.slice(0, end).endsWith(separator));
    if (ending.length > 0) return { start: end - Math.min(...ending.map(({ length }) => length)), end };
  }
  return undefined;
}

/** Searches after each chunk, as a waiting read does, until there is a match. */
function checkChunks(chunks: readonly string[], separators: readonly string[]): void {
  const longest = Math.max(...separators.map(({ length }) => length));
  const queue = new ByteQueue();
  queue.push(Buffer.from("taken"));
  const search = searchFor(...separators);
  let text = "";
  for (const [index, chunk] of chunks.entries()) {
    queue.push(Buffer.from(chunk));
    if (index === 0) queue.skip(5);
    text += chunk;
    const about = JSON.stringify({ chunks: chunks.slice(0, index + 1), separators });
    const expected = plainSearch(text, separators);
    assert.deepEqual(search.find(queue), expected, about);
    if (expected !== undefined) return;
    assert.equal(search.clean, Math.max(0, text.length + 1 - longest), about);
  }
}

/** All ways to cut a text in pieces. */
function* chunkings(text: string): Generator<string[]> {
  for (let cuts = 0; cuts < 2 ** (text.length - 1); cuts++) {
    const chunks = [text[0]!];
    for (let at = 1; at < text.length; at++) {
      if ((cuts >> (at - 1)) & 1) chunks.push(text[at]!);
      else chunks[chunks.length - 1]! += text[at]!;
    }
    yield chunks;
  }
}

function randomSeparators(random: Random, alphabet: string): string[] {
  return Array.from({ length: random.within(1, 3) }, () => random.text(random.within(1, 5), alphabet));
}

describe("SeparatorSearch", () => {
  const cases: [text: string, separators: string[], through: string, separator: string][] = [
    ["ABCDEFG", ["DEF", "BCDE"], "ABCDE", "BCDE"],
    ["one\r\ntwo", ["\r", "\r\n"], "one\r", "\r"],
    ["xxAByy", ["AB", "B"], "xxAB", "B"],
    ["xxAByy", ["B", "AB"], "xxAB", "B"],
    ["aaab", ["aab"], "aaab", "aab"],
    ["a,b;c", [";", ","], "a,", ","],
  ];
  for (const [text, separators, through, separator] of cases) {
    it(`find() stops after ${JSON.stringify(through)} in ${JSON.stringify(text)} for ${JSON.stringify(separators)} (22)`, () => {
      const queue = new ByteQueue();
      queue.push(Buffer.from(text));
      const start = through.length - separator.length;
      assert.deepEqual(searchFor(...separators).find(queue), { start, end: through.length });
    });
  }

  it("find() agrees with the plain rule on short texts, in every chunking (22, 27)", () => {
    const random = new Random(2);
    for (let round = 0; round < 150; round++) {
      const alphabet = random.pick(["ab", "abc"]);
      const separators = randomSeparators(random, alphabet);
      for (const chunks of chunkings(random.text(random.within(1, 8), alphabet)))
        checkChunks(chunks, separators);
    }
  });

  it("find() agrees with the plain rule across the borders of chunks that are not gathered (22, 27)", () => {
    const random = new Random(3);
    const filler = "-".repeat(260);
    const piece = (alphabet: string) => {
      const edge = () => random.text(random.within(0, 4), alphabet);
      return random.within(0, 2) === 0
        ? random.text(random.within(1, 4), alphabet)
        : edge() + filler + edge();
    };
    for (let round = 0; round < 1500; round++) {
      const alphabet = random.pick(["ab", "abc"]);
      const chunks = Array.from({ length: random.within(1, 8) }, () => piece(alphabet));
      const separators = randomSeparators(random, alphabet);
      checkChunks(chunks, separators);
      const queue = new ByteQueue();
      for (const chunk of chunks) queue.push(Buffer.from(chunk));
      const about = JSON.stringify({ chunks, separators });
      assert.deepEqual(searchFor(...separators).find(queue), plainSearch(chunks.join(""), separators), about);
    }
  });

  it("find() finds a separator that lies over more than two chunks", () => {
    const queue = new ByteQueue();
    const separator = `<${"=".repeat(600)}>`;
    const text = `${"-".repeat(300)}${separator}${"-".repeat(300)}`;
    for (let at = 0; at < text.length; at += 257) queue.push(Buffer.from(text.slice(at, at + 257)));
    assert.deepEqual(searchFor(separator).find(queue), { start: 300, end: 902 });
    assert.deepEqual(searchFor(separator, "??").find(queue), { start: 300, end: 902 });
  });

  it("find() does linear work when 8 MiB come one byte at a time (27)", () => {
    const size = 8 * 2 ** 20;
    const byte = Buffer.from(".");
    const queue = new CountingQueue();
    const search = searchFor("\n");
    const looked = countBytesLookedAt(() => {
      for (let fed = 0; fed < size; fed++) {
        queue.push(byte);
        if (search.find(queue) !== undefined) assert.fail("there is no separator");
      }
      queue.push(Buffer.from("\n"));
      assert.deepEqual(search.find(queue), { start: size, end: size + 1 });
    });
    assert.ok(looked >= size && looked <= 2 * size, `${looked} bytes looked at`);
    assert.ok(queue.visits <= 20 * size, `${queue.visits} chunks looked up`);
  });

  it("find() looks again only at what a longer separator could begin with (27)", () => {
    const size = 2 ** 18;
    const queue = new CountingQueue();
    const search = searchFor("\r\n\r\n", "--end--");
    const looked = countBytesLookedAt(() => {
      for (let fed = 0; fed < size; fed++) {
        queue.push(Buffer.from("\r"));
        assert.equal(search.find(queue), undefined);
      }
    });
    assert.ok(looked <= 2 * 8 * size, `${looked} bytes looked at`);
    assert.ok(queue.visits <= 40 * size, `${queue.visits} chunks looked up`);
  });

  it("find() does work in proportion to the chunks when many are there before it starts", () => {
    const chunks = 4000;
    for (const separators of [["\r\n"], ["\r\n", "--end--"]]) {
      const queue = new CountingQueue();
      for (let pushed = 0; pushed < chunks; pushed++) queue.push(Buffer.alloc(300, "."));
      const looked = countBytesLookedAt(() => {
        assert.equal(searchFor(...separators).find(queue), undefined);
      });
      assert.ok(looked <= 3 * queue.length, `${looked} bytes looked at`);
      assert.ok(queue.visits <= 40 * chunks, `${queue.visits} chunks looked up`);
    }
  });

  it("find() does not look far ahead for a rare separator when another one is near", () => {
    const lines = 3000;
    const stream = Buffer.from(`${".".repeat(998)}\r\n`.repeat(lines));
    const queue = new CountingQueue();
    for (let at = 0; at < stream.length; at += 300) queue.push(stream.subarray(at, at + 300));
    const looked = countBytesLookedAt(() => {
      for (let read = 0; read < lines; read++) queue.skip(searchFor("\0", "\r\n").find(queue)!.end);
    });
    assert.ok(looked <= 5 * stream.length, `${looked} bytes looked at for ${stream.length}`);
    assert.ok(queue.visits <= 100 * lines, `${queue.visits} chunks looked up`);
  });
});

describe("toSeparators()", () => {
  it("takes a string, bytes, or an array of them, and puts the shortest first", () => {
    const text = (separator: unknown) =>
      toSeparators(separator).map((bytes) => Buffer.from(bytes).toString());
    assert.deepEqual(text("\n"), ["\n"]);
    assert.deepEqual(text(Uint8Array.of(0x61)), ["a"]);
    assert.deepEqual(text(["long", Buffer.from("mid"), "é"]), ["é", "mid", "long"]);
  });

  const wrong: [value: unknown, error: { name: string; message: string }][] = [
    [[], { name: "RangeError", message: "Separator should contain at least one element" }],
    ["", { name: "RangeError", message: "Separator should be at least one-byte string" }],
    [new Uint8Array(0), { name: "RangeError", message: "Separator should be at least one-byte string" }],
    [["ab", ""], { name: "RangeError", message: "Separator should be at least one-byte string" }],
    [
      10,
      { name: "TypeError", message: "separator must be bytes, a string, or an array of them, not number 10" },
    ],
    [
      null,
      { name: "TypeError", message: "separator must be bytes, a string, or an array of them, not null" },
    ],
    [
      ["a", ["b"]],
      {
        name: "TypeError",
        message: "separator must be bytes, a string, or an array of them, not an instance of Array",
      },
    ],
    [
      new Uint16Array(1),
      {
        name: "TypeError",
        message: "separator must be bytes, a string, or an array of them, not an instance of Uint16Array",
      },
    ],
  ];
  for (const [value, error] of wrong) {
    it(`refuses ${ArrayBuffer.isView(value) ? kindOf(value) : JSON.stringify(value)} with a ${error.name} (21)`, () => {
      assert.throws(() => toSeparators(value), error);
    });
  }
});
