import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { LineEndingError, LineTooLongError } from "asyncio-streams";
import { ByteQueue } from "#src/bytes/byte-queue.js";
import { LineCutter, type LineRules } from "#src/bytes/line-cutter.js";
import {
  allRules,
  allSplits,
  allTexts,
  asExpected,
  expectedLines,
  type ExpectedLines,
} from "../support/line-oracle.js";
import { countBytesLookedAt } from "../support/count-work.js";
import { Random } from "../support/random.js";

/** All that a cutter makes of pieces that come one after the other. `restarts` as often as a loop may. */
function cutAll(pieces: readonly string[], rules: LineRules, restarts: boolean): ExpectedLines {
  const queue = new ByteQueue();
  const cutter = new LineCutter(rules);
  const lines: string[] = [];
  try {
    for (const piece of [...pieces, undefined]) {
      if (piece !== undefined) queue.push(Buffer.from(piece, "latin1"));
      for (;;) {
        if (restarts) cutter.restart();
        const cut = cutter.cut(queue, piece === undefined);
        if (cut === undefined) break;
        if (cut === "end") return { lines, last: "end" };
        lines.push(cut.toString("latin1"));
      }
    }
    return { lines, last: "nothing" };
  } catch (error) {
    const left = queue.length;
    cutter.restart();
    assert.throws(() => cutter.cut(queue, true), error as Error);
    assert.equal(queue.length, left, "an error takes nothing");
    return { lines, last: asExpected(error) };
  }
}

function cutterOf(text: string, rules: Partial<LineRules>): { queue: ByteQueue; cut: () => unknown } {
  const queue = new ByteQueue();
  queue.push(Buffer.from(text));
  const cutter = new LineCutter({ eol: "lf", limit: 10, keepEnds: false, onOverrun: "throw", ...rules });
  return { queue, cut: () => cutter.cut(queue, true)?.toString() };
}

describe("LineCutter", () => {
  for (const rules of allRules([1, 2])) {
    it(`cuts all short texts, however they come, by ${inspect(rules, { breakLength: Infinity })}`, () => {
      for (const text of allTexts(5, "a\r\n")) {
        const expected = expectedLines(text, rules);
        for (const pieces of allSplits(text)) {
          assert.deepEqual(cutAll(pieces, rules, false), expected, inspect(pieces));
        }
      }
    });
  }

  it("cuts long random texts by all rules, however they come, also when it starts anew each time", () => {
    const random = new Random(6);
    for (const rules of allRules([3, 30, 1_000])) {
      for (let round = 0; round < 30; round++) {
        const text = Array.from({ length: random.within(0, 60) }, () =>
          random.pick(["\r\n", "\r\n", "\n", "\r", "x", "y".repeat(random.within(2, 20))]),
        ).join("");
        const clean = round % 2 === 0 ? text : text.replace(/\r\n|\r|\n/g, "\r\n");
        const pieces: string[] = [];
        for (let at = 0; at < clean.length;) {
          const size = random.within(1, 300);
          pieces.push(clean.slice(at, at + size));
          at += size;
        }
        const expected = expectedLines(clean, rules);
        for (const restarts of [false, true]) {
          assert.deepEqual(cutAll(pieces, rules, restarts), expected, inspect({ clean, pieces, rules }));
        }
      }
    }
  });

  const where: [text: string, found: "CR" | "LF", line: number, offset: number][] = [
    ["\n", "LF", 1, 0],
    ["ab\ncd\r\n", "LF", 1, 2],
    ["ab\r\n\r\nc\rd\r\n", "CR", 3, 1],
    ["ab\r\ncd\r", "CR", 2, 2],
    ["\r\r\n", "CR", 1, 0],
  ];
  for (const [text, found, line, offset] of where) {
    it(`says where a bare ${found} is in ${JSON.stringify(text)}`, () => {
      const { queue, cut } = cutterOf(text, { eol: "crlf-strict" });
      for (let before = 1; before < line; before++) cut();
      const left = queue.length;
      const message = `Line ${line} has a bare ${found} after ${offset} bytes, and must end with CRLF`;
      assert.throws(cut, new LineEndingError(found, line, offset));
      assert.throws(cut, { name: "LineEndingError", message, found, line, offset });
      assert.equal(queue.length, left);
    });
  }

  it("counts lines and bytes that it skips, too", () => {
    const { cut } = cutterOf(`${"x".repeat(20)}\r\n${"y".repeat(30)}\nz`, {
      eol: "crlf-strict",
      onOverrun: "skip",
    });
    assert.throws(cut, new LineEndingError("LF", 2, 30));
  });

  it("says that a line is too long by its limit, and that nothing was dropped", () => {
    const { queue, cut } = cutterOf("x".repeat(11) + "\n", {});
    const message = "Line is longer than the limit (limit 10 bytes, nothing was dropped)";
    assert.throws(cut, { name: "LineTooLongError", message, limit: 10, dropped: 0 });
    assert.equal(queue.length, 12);
    const unfinished = cutterOf("x".repeat(11), {});
    assert.throws(unfinished.cut, new LineTooLongError("Line has no end within the limit", 10, 0));
  });

  it("keeps no more of a line that it skips than may belong to its end", () => {
    const queue = new ByteQueue();
    const cutter = new LineCutter({ eol: "crlf", limit: 10, keepEnds: false, onOverrun: "skip" });
    for (let piece = 0; piece < 1_000; piece++) {
      queue.push(Buffer.alloc(100, "x\r"));
      assert.equal(cutter.cut(queue, false), undefined);
      assert.ok(queue.length <= 1);
    }
    queue.push(Buffer.from("\r\nnext\r\n"));
    assert.equal(String(cutter.cut(queue, false)), "next");
  });

  it("leaves a line above the limit, and the rest of one that it skips, when it may not skip", () => {
    const queue = new ByteQueue();
    const cutter = new LineCutter({ eol: "lf", limit: 3, keepEnds: false, onOverrun: "skip" });
    const feedAndCut = (text: string) => {
      queue.push(Buffer.from(text));
      return cutter.cutWithoutSkipping(queue, false)?.toString();
    };
    assert.equal(feedAndCut("ab"), undefined);
    assert.equal(feedAndCut("c\n"), "abc", "a line as long as the limit");
    assert.equal(feedAndCut("abcd"), undefined);
    assert.equal(feedAndCut("\n"), undefined);
    assert.equal(queue.length, 5);
    queue.skip(1);
    cutter.restart();
    assert.equal(cutter.cut(queue, false)?.toString(), "bcd");
    queue.push(Buffer.from("abcd"));
    assert.equal(cutter.cut(queue, false), undefined);
    assert.equal(queue.length, 0);
    assert.equal(feedAndCut("e\n"), undefined);
    assert.equal(queue.length, 2);
  });

  it("looks at each byte a few times at most, however a line comes", () => {
    for (const eol of ["lf", "crlf", "crlf-strict"] as const) {
      const queue = new ByteQueue();
      const cutter = new LineCutter({ eol, limit: 200_000, keepEnds: false, onOverrun: "throw" });
      const looked = countBytesLookedAt(() => {
        for (let piece = 0; piece < 1_000; piece++) {
          queue.push(Buffer.alloc(100, "x"));
          assert.equal(cutter.cut(queue, false), undefined);
        }
        queue.push(Buffer.from("\r\n"));
        assert.equal(cutter.cut(queue, false)?.length, eol === "lf" ? 100_001 : 100_000);
      });
      assert.ok(looked < 5 * 100_000, `${eol}: ${looked} bytes`);
    }
  });
});
