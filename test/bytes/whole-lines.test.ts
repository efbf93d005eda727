import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { ByteQueue } from "#src/bytes/byte-queue.js";
import { LineCutter, type LineRules } from "#src/bytes/line-cutter.js";
import { WholeLines } from "#src/bytes/whole-lines.js";
import { allRules } from "../support/line-oracle.js";
import { Random } from "../support/random.js";

type Line = Buffer<ArrayBuffer> | string;

const RULES: LineRules = { eol: "lf", limit: 100, keepEnds: false, onOverrun: "throw" };

function queueOf(...chunks: (string | Buffer)[]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.push(Buffer.from(chunk as string));
  return queue;
}

function linesOf(rules: Partial<LineRules> = {}, encoding?: BufferEncoding): WholeLines<Line> {
  return WholeLines.of<Line>({ ...RULES, ...rules }, encoding)!;
}

/** The careful way, up to what it cannot cut. */
function cutCarefully(queue: ByteQueue, rules: LineRules): Buffer[] {
  const cutter = new LineCutter({ ...rules, onOverrun: "throw" });
  const lines: Buffer[] = [];
  try {
    for (;;) {
      const line = cutter.cut(queue, false);
      if (line === undefined || line === "end") return lines;
      lines.push(line);
    }
  } catch {
    return lines;
  }
}

function takeEach(whole: WholeLines<Line>, queue: ByteQueue): Line[] {
  const lines: Line[] = [];
  for (let line = whole.take(queue); line !== undefined; line = whole.take(queue)) lines.push(line);
  return lines;
}

/** Texts with characters of every length, and bytes that are none. */
function randomBytes(random: Random): Buffer {
  const parts = random.within(0, 1) === 0 ? ["\r\n", "xyz", "z"] : ["\r\n", "\n", "\r", "xy", "é€𝄞"];
  const pieces = Array.from({ length: random.within(0, 400) }, () => Buffer.from(random.pick(parts)));
  if (random.within(0, 3) === 0)
    pieces.push(Buffer.of(0xc3), Buffer.from("\r\n"), Buffer.of(0xe2, 0x82, 0x0a));
  return Buffer.concat(pieces);
}

describe("WholeLines", () => {
  for (const encoding of [undefined, "utf8", "utf-8", "latin1", "binary"] as const) {
    it(`takes lines as the careful way does, or leaves them to it, with encoding ${encoding}`, () => {
      const random = new Random(3);
      let taken = 0;
      for (const rules of allRules([5, 30])) {
        for (let round = 0; round < 60; round++) {
          const bytes = randomBytes(random);
          const expected = cutCarefully(queueOf(bytes), rules);
          const queue = queueOf(bytes);
          const whole = linesOf(rules, encoding);
          const lines = round % 2 === 0 ? takeEach(whole, queue) : (whole.takeAll(queue) ?? []);
          taken += lines.length;
          const left = cutCarefully(queue, rules);
          const decode = (line: Buffer) => (encoding === undefined ? line : line.toString(encoding));
          assert.deepEqual([...lines, ...left.map(decode)], expected.map(decode), inspect({ bytes, rules }));
        }
      }
      assert.ok(taken > 1_000, `only ${taken} lines were cut this way`);
    });
  }

  it("is not for encodings in which the end of a line is not its own byte", () => {
    for (const encoding of ["ascii", "hex", "base64", "utf16le"] as const) {
      assert.equal(WholeLines.of(RULES, encoding), undefined);
    }
  });

  it("take() starts anew when somebody else has taken or put back something", () => {
    const queue = queueOf("ab\ncd\nef\n");
    const whole = linesOf({}, "latin1");
    assert.equal(whole.take(queue), "ab");
    queue.skip(1);
    assert.equal(whole.take(queue), "d");
    queue.skip(1);
    queue.unshift(Buffer.from("x\n"));
    assert.equal(whole.take(queue), "x");
    assert.equal(whole.take(queue), "f");
    assert.equal(whole.take(queue), undefined);
    assert.equal(queue.length, 0);
  });

  it("take() leaves characters of several bytes, of which it does not know how many they are, to the careful way", () => {
    const queue = queueOf("grün\nblau\n");
    const whole = linesOf({}, "utf8");
    assert.equal(whole.take(queue), undefined);
    queue.skip(queue.length);
    queue.push(Buffer.from("rot\n"));
    assert.equal(whole.take(queue), "rot");
    assert.deepEqual(linesOf({}, "utf8").takeAll(queueOf("grün\nblau\n")), ["grün", "blau"]);
  });

  it("takeAll() takes the lines of the first chunk, bytes as views on it", () => {
    const chunk = Buffer.from("ab\ncd\ne");
    const queue = new ByteQueue();
    queue.push(chunk);
    queue.push(Buffer.from("f\n"));
    const lines = linesOf().takeAll(queue) as Buffer[];
    assert.deepEqual(lines.map(String), ["ab", "cd"]);
    assert.ok(lines.every(({ buffer }) => buffer === chunk.buffer));
    assert.equal(String(queue.peek(queue.length)), "ef\n");
    assert.equal(linesOf().takeAll(queue), undefined);
  });

  it("take() gives bytes of their own", () => {
    const chunk = Buffer.from("ab\ncd\n");
    const queue = new ByteQueue();
    queue.push(chunk);
    const line = linesOf({ keepEnds: true }).take(queue) as Buffer;
    chunk.fill("x");
    assert.equal(String(line), "ab\n");
  });

  it("looks further each time, so that who takes one line does not pay for all that are there", () => {
    const { lastIndexOf } = Buffer.prototype;
    const looked: number[] = [];
    Buffer.prototype.lastIndexOf = function (this: Buffer, ...given: Parameters<typeof lastIndexOf>): number {
      looked.push(this.length);
      return lastIndexOf.apply(this, given);
    };
    try {
      const queue = queueOf("0123456789abcde\n".repeat(1_000));
      const whole = linesOf({}, "latin1");
      while (whole.take(queue) !== undefined);
      assert.deepEqual(looked, [512, 1_024, 2_048, 4_096, 8_192, 128]);
      looked.length = 0;
      const busy = queueOf("0123456789abcde\n".repeat(1_000));
      for (let step = 0; step < 3; step++) {
        whole.take(busy);
        busy.skip(16);
      }
      assert.deepEqual(looked, [512, 512, 512]);
    } finally {
      Buffer.prototype.lastIndexOf = lastIndexOf;
    }
  });

  it("leaves a line that needs a closer look, and does not look at it again", () => {
    const queue = queueOf(`ab\n${"x".repeat(8)}\ncd\n`);
    const whole = linesOf({ limit: 5 }, "latin1");
    assert.equal(whole.takeAll(queue), undefined);
    queue.skip(3);
    assert.equal(whole.takeAll(queue), undefined);
    queue.skip(12);
    queue.push(Buffer.from("ef\n"));
    assert.deepEqual(whole.takeAll(queue), ["ef"]);
  });
});
