import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IncompleteReadError, LimitOverrunError } from "asyncio-streams";
import { ByteQueue } from "#src/bytes/byte-queue.js";
import {
  dropLine,
  peekExactly,
  peekSome,
  takeAll,
  takeExactly,
  takeSome,
  takeThrough,
} from "#src/bytes/read-rules.js";
import { SeparatorSearch, toSeparators } from "#src/bytes/separator-search.js";

type Take = (queue: ByteQueue, ended: boolean) => Buffer | undefined;

const some =
  (size: number): Take =>
  (queue, ended) =>
    takeSome(queue, size, ended);
const peek =
  (size: number): Take =>
  (queue, ended) =>
    peekSome(queue, size, ended);
const peekAll =
  (size: number): Take =>
  (queue, ended) =>
    peekExactly(queue, size, ended);
const all: Take = (queue, ended) => takeAll(queue, ended);
const exactly =
  (size: number): Take =>
  (queue, ended) =>
    takeExactly(queue, size, ended);
const through =
  (separators: string | string[], limit: number): Take =>
  (queue, ended) =>
    takeThrough(queue, new SeparatorSearch(toSeparators(separators)), limit, ended);

const NOT_FOUND = "Separator is not found, and chunk exceed the limit";
const FOUND = "Separator is found, but chunk is longer than limit";
const wait = undefined;
const incomplete = (partial: string, expected?: number) =>
  new IncompleteReadError(Buffer.from(partial), expected);
const overrun = (message: string, consumed: number) => new LimitOverrunError(message, consumed);

/** What a rule makes of the queued text: the bytes it takes, `wait`, or the error; and the text that is left. */
type Case = [
  name: string,
  take: Take,
  queued: string,
  ended: boolean,
  result: string | undefined | Error,
  left: string,
];

const cases: Case[] = [
  ["takeSome() takes up to the size (17)", some(3), "abcde", false, "abc", "de"],
  ["takeSome() takes less when there is less (17)", some(9), "abc", false, "abc", ""],
  ["takeSome() waits for a first byte (17)", some(9), "", false, wait, ""],
  ["takeSome() takes nothing at the end (18)", some(9), "", true, "", ""],
  ["takeSome() takes what is there at the end (18)", some(9), "abc", true, "abc", ""],
  ["takeAll() waits for the end (17)", all, "abc", false, wait, "abc"],
  ["takeAll() takes all at the end (17)", all, "abc", true, "abc", ""],
  ["takeAll() takes nothing at an empty end (18)", all, "", true, "", ""],
  ["takeExactly() takes the size, no more (20)", exactly(3), "abcde", false, "abc", "de"],
  ["takeExactly() takes the last bytes (20)", exactly(3), "abc", true, "abc", ""],
  ["takeExactly() waits with what is there (20)", exactly(4), "abc", false, wait, "abc"],
  ["takeExactly() ends incomplete, with the rest (20)", exactly(4), "abc", true, incomplete("abc", 4), ""],
  ["takeExactly() ends incomplete without a byte (20)", exactly(4), "", true, incomplete("", 4), ""],
  ["peekSome() copies up to the size", peek(3), "abcde", false, "abc", "abcde"],
  ["peekSome() copies less when there is less", peek(9), "abc", false, "abc", "abc"],
  ["peekSome() waits for a first byte", peek(9), "", false, wait, ""],
  ["peekSome() copies nothing at the end", peek(9), "", true, "", ""],
  ["peekExactly() copies the size, no more", peekAll(3), "abcde", false, "abc", "abcde"],
  ["peekExactly() waits with what is there", peekAll(4), "abc", false, wait, "abc"],
  [
    "peekExactly() ends incomplete, and leaves the rest",
    peekAll(4),
    "abc",
    true,
    incomplete("abc", 4),
    "abc",
  ],
  ["takeThrough() takes the separator too (21)", through("\n", 10), "ab\ncd", false, "ab\n", "cd"],
  ["takeThrough() waits without a separator (24)", through("\n", 10), "abcd", false, wait, "abcd"],
  ["takeThrough() passes the limit itself (23)", through("\n", 7), "1234567\n", false, "1234567\n", ""],
  ["takeThrough() counts what is before (23)", through("AAA", 3), "xxxAAAy", false, "xxxAAA", "y"],
  [
    "takeThrough() keeps a line above the limit (23, 25)",
    through("\n", 7),
    "12345678\nab",
    false,
    overrun(FOUND, 8),
    "12345678\nab",
  ],
  [
    "takeThrough() counts from the start of the shorter of two that end together (22, 23)",
    through(["AB", "B"], 3),
    "xxxAB",
    false,
    overrun(FOUND, 4),
    "xxxAB",
  ],
  [
    "takeThrough() counts all that cannot belong to a separator (24, 25)",
    through("AAA", 3),
    "some dataAA",
    false,
    overrun(NOT_FOUND, 9),
    "some dataAA",
  ],
  [
    "takeThrough() waits while the limit is not passed (24)",
    through("AAA", 3),
    "xxxAA",
    false,
    wait,
    "xxxAA",
  ],
  [
    "takeThrough() counts by the longest separator (24)",
    through(["A", "BBBB"], 3),
    "xxxxxxx",
    false,
    overrun(NOT_FOUND, 4),
    "xxxxxxx",
  ],
  [
    "takeThrough() overruns at the end too (24)",
    through("\n", 3),
    "xxxx",
    true,
    overrun(NOT_FOUND, 4),
    "xxxx",
  ],
  [
    "takeThrough() ends incomplete below the limit (24, 26)",
    through("AAA", 3),
    "xxxAA",
    true,
    incomplete("xxxAA"),
    "",
  ],
  ["takeThrough() finds a separator at the end (26)", through("\n", 9), "ab\ncd", true, "ab\n", "cd"],
  ["takeThrough() ends incomplete without a byte (26)", through("\n", 9), "", true, incomplete(""), ""],
];

describe("read rules", () => {
  for (const [name, take, queued, ended, result, left] of cases) {
    it(name, () => {
      const queue = new ByteQueue();
      queue.push(Buffer.from(queued));
      if (result instanceof Error) {
        assert.throws(() => take(queue, ended), result);
      } else {
        assert.equal(take(queue, ended)?.toString(), result);
      }
      assert.equal(queue.take(queue.length).toString(), left);
    });
  }

  const lines: [
    name: string,
    queued: string,
    consumed: number,
    message: string,
    dropped: number,
    left: string,
  ][] = [
    ["drops a line through its newline, if that is there", "xxxx\nyy\n", 4, FOUND, 5, "yy\n"],
    ["drops all that is queued without a newline", "xxxx", 4, NOT_FOUND, 4, ""],
  ];
  for (const [name, queued, consumed, message, dropped, left] of lines) {
    it(`dropLine() ${name} (28)`, () => {
      const queue = new ByteQueue();
      queue.push(Buffer.from(queued));
      const error = dropLine(queue, 3, new LimitOverrunError(message, consumed));
      assert.deepEqual([error.limit, error.dropped], [3, dropped]);
      assert.equal(error.message, `${message} (limit 3 bytes, ${dropped} bytes of the line were dropped)`);
      assert.equal(queue.take(queue.length).toString(), left);
    });
  }
});
