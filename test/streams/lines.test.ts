/** Loops over lines, by rules of their own. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { StreamReader, type LinesOptions } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import { connectedInMemory } from "../support/connections.js";
import { allRules, asExpected, expectedLines, type ExpectedLines } from "../support/line-oracle.js";
import { Random } from "../support/random.js";
import { RecordingTransport } from "../support/recording-transport.js";
import { isPending, nextTurn } from "../support/turns.js";

function feed(reader: StreamReader, text: string): void {
  reader.feedData(Buffer.from(text, "latin1"));
}

function endedReader(text: string, limit?: number): StreamReader {
  const reader = new StreamReader({ limit });
  feed(reader, text);
  reader.feedEof();
  return reader;
}

function rest(reader: StreamReader): string {
  return reader.bufferedBytes === 0 ? "" : String(reader.tryRead(reader.bufferedBytes));
}

/** All that a loop gives, as text, whatever form it has. */
async function collect(reader: StreamReader, options: LinesOptions): Promise<ExpectedLines> {
  const lines: string[] = [];
  try {
    for await (const got of reader.lines(options)) {
      assert.equal(Array.isArray(got), options.batches === true);
      const batch = Array.isArray(got) ? got : [got];
      assert.ok(batch.length > 0);
      for (const line of batch) {
        assert.equal(typeof line, options.encoding === undefined ? "object" : "string");
        lines.push(typeof line === "string" ? line : line.toString("latin1"));
      }
    }
    return { lines, last: "end" };
  } catch (error) {
    return { lines, last: asExpected(error) };
  }
}

const FORMS = [undefined, "latin1"].flatMap((encoding) =>
  [false, true].map((batches) => ({ encoding: encoding as "latin1" | undefined, batches })),
);

describe("lines()", () => {
  for (const form of FORMS) {
    it(`gives what a slow reading of the rules gives, by all rules and however it comes, with ${inspect(form)}`, async () => {
      const random = new Random(9);
      for (const rules of allRules([3, 20])) {
        for (let round = 0; round < 12; round++) {
          const text = Array.from({ length: random.within(0, 40) }, () =>
            random.pick(["\r\n", "\n", "\r", "xy", "\xe4".repeat(random.within(1, 9))]),
          ).join("");
          const stream = round % 2 === 0 ? text : text.replace(/\r\n|\r|\n/g, "\r\n");
          const reader = new StreamReader({ limit: 10 });
          const transport = new RecordingTransport();
          reader.setTransport(transport);
          const collected = collect(reader, { ...rules, ...form });
          for (let at = 0; at < stream.length;) {
            const size = random.within(1, 12);
            feed(reader, stream.slice(at, at + size));
            at += size;
            if (random.within(0, 1) === 0) await nextTurn();
          }
          reader.feedEof();
          assert.deepEqual(await collected, expectedLines(stream, rules), inspect({ stream, rules }));
        }
      }
    });
  }

  it("gives bytes without their ends, ended by LF, within the reader's limit, by default", async () => {
    const reader = endedReader("ab\r\n\ncde", 3);
    const lines: string[] = [];
    for await (const line of reader.lines()) lines.push(String(line));
    assert.deepEqual(lines, ["ab\r", "", "cde"]);
    await assert.rejects(endedReader("abcd\n", 3).lines().next(), { name: "LineTooLongError", limit: 3 });
    const wider = endedReader("abcd\n", 3).lines({ limit: 8 });
    assert.equal(String((await wider.next()).value), "abcd");
  });

  it("decodes by the encoding, a line at a time", async () => {
    const text = "grüße\n世界\n";
    for (const [encoding, expected] of [
      ["utf8", ["grüße", "世界"]],
      ["hex", [Buffer.from("grüße").toString("hex"), Buffer.from("世界").toString("hex")]],
    ] as const) {
      const reader = new StreamReader();
      const bytes = Buffer.from(text);
      reader.feedData(bytes.subarray(0, 3));
      reader.feedData(bytes.subarray(3));
      reader.feedEof();
      const lines: string[] = [];
      for await (const line of reader.lines({ encoding })) lines.push(line);
      assert.deepEqual(lines, expected);
    }
  });

  it("with batches gives all lines that are here, and an error behind them by itself", async () => {
    const reader = new StreamReader();
    feed(reader, "a\r\nb\r\nc");
    const loop = reader.lines({ eol: "crlf-strict", encoding: "latin1", batches: true });
    assert.deepEqual((await loop.next()).value, ["a", "b"]);
    const next = loop.next();
    assert.ok(await isPending(next));
    feed(reader, "\r\nd\r\ne\nf\r\n");
    assert.deepEqual((await next).value, ["c", "d"]);
    for (let round = 0; round < 2; round++) {
      await assert.rejects(loop.next(), { name: "LineEndingError", found: "LF", line: 5, offset: 1 });
    }
    assert.equal(rest(reader), "e\nf\r\n");
  });

  it("refuses a request that two programs would read as two things, where it says", async () => {
    const smuggled = "GET / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n";
    const seen: string[] = [];
    const reader = endedReader(smuggled);
    await assert.rejects(
      async () => {
        for await (const line of reader.lines({ eol: "crlf-strict", encoding: "latin1" })) seen.push(line);
      },
      { name: "LineEndingError", message: "Line 3 has a bare LF after 4 bytes, and must end with CRLF" },
    );
    assert.deepEqual(seen, ["GET / HTTP/1.1", "Host: a"]);
  });

  it("left by break loses no byte", async () => {
    for (const batches of [false, true]) {
      const reader = endedReader("one\ntwo\nthree\n");
      for await (const _ of reader.lines({ batches })) break;
      assert.equal(rest(reader), batches ? "" : "two\nthree\n");
    }
    const reader = endedReader("header: 1\n\nbody\nbody");
    for await (const line of reader.lines({ encoding: "latin1" })) if (line === "") break;
    assert.equal(rest(reader), "body\nbody");
  });

  it("is over when it was left, and at the end", async () => {
    const reader = endedReader("one\ntwo\n");
    const left = reader.lines();
    await left.return?.();
    assert.deepEqual(await left.next(), { value: undefined, done: true });
    const loop = reader.lines({ batches: true });
    await loop.next();
    for (let round = 0; round < 2; round++)
      assert.deepEqual(await loop.next(), { value: undefined, done: true });
  });

  it("sees what others have read, peeked or put back meanwhile", async () => {
    const reader = new StreamReader();
    const loop = reader.lines({ encoding: "latin1" });
    feed(reader, "ab\ncd\nef");
    assert.equal((await loop.next()).value, "ab");
    assert.equal(String(await reader.readExactly(1)), "c");
    assert.equal((await loop.next()).value, "d");
    reader.unread("x\ny");
    assert.equal((await loop.next()).value, "x");
    const next = loop.next();
    feed(reader, "\n");
    assert.equal((await next).value, "yef");
  });

  it("looks again at what it had seen before it was aborted, as others may have read of that", async () => {
    const reader = new StreamReader();
    const loop = reader.lines({ encoding: "latin1", timeout: 5 });
    feed(reader, "abcd");
    await assert.rejects(loop.next(), { name: "TimeoutError" });
    assert.equal(String(await reader.readExactly(3)), "abc");
    feed(reader, "\nef");
    assert.equal((await loop.next()).value, "d");
  });

  it("goes on after a step that was aborted or timed out, which has lost nothing", async () => {
    const clock = new VirtualClock();
    const reader = new StreamReader({}, clock);
    const loop = reader.lines({ encoding: "latin1", timeout: 50 });
    feed(reader, "ab");
    const timedOut = assert.rejects(loop.next(), {
      name: "TimeoutError",
      message: "lines() did not end within 50 ms",
    });
    await clock.advance(50);
    await timedOut;
    const next = loop.next();
    await clock.advance(40);
    feed(reader, "c\nd\n");
    assert.equal((await next).value, "abc");
    await clock.advance(40);
    assert.equal((await loop.next()).value, "d", "each step has the whole timeout");
    assert.equal(clock.pending, 0);
  });

  it("goes on skipping after a step that was aborted while it did", async () => {
    const clock = new VirtualClock();
    const reader = new StreamReader({}, clock);
    const loop = reader.lines({ encoding: "latin1", limit: 3, onOverrun: "skip", timeout: 50 });
    feed(reader, "xxxxxxxx");
    const timedOut = assert.rejects(loop.next(), { name: "TimeoutError" });
    await clock.advance(50);
    await timedOut;
    assert.equal(reader.bufferedBytes, 0);
    feed(reader, "xx\nok\n");
    assert.equal((await loop.next()).value, "ok");
  });

  it("rejects each step once the signal is aborted, also when lines are here", async () => {
    const controller = new AbortController();
    const reader = endedReader("a\nb\n");
    const loop = reader.lines({ signal: controller.signal });
    await loop.next();
    controller.abort("enough");
    for (let round = 0; round < 2; round++)
      await assert.rejects(loop.next(), (reason) => reason === "enough");
    assert.equal(rest(reader), "b\n");
  });

  it("is refused while a read is pending", async () => {
    const reader = new StreamReader();
    const reading = reader.readLine();
    await assert.rejects(reader.lines().next(), {
      name: "InvalidStateError",
      message: /^lines\(\) called while/,
    });
    feed(reader, "a\n");
    assert.equal(String(await reading), "a\n");
  });

  it("keeps flow control right: a slow loop pauses, and an overlong line that is skipped does not", async () => {
    const { near, far } = connectedInMemory(1_000);
    for (const size of [10, 1_000_000, 20]) far.writer.write(`${"x".repeat(size)}\n`);
    far.writer.writeEof();
    const sizes: number[] = [];
    for await (const line of near.reader.lines({ onOverrun: "skip" })) {
      await nextTurn();
      assert.ok(near.reader.bufferedBytes <= 200_000);
      sizes.push(line.length);
    }
    assert.deepEqual(sizes, [10, 20]);

    const reader = new StreamReader({ limit: 10 });
    const transport = new RecordingTransport();
    reader.setTransport(transport);
    feed(reader, "abcd\n".repeat(5));
    const loop = reader.lines();
    await loop.next();
    await loop.next();
    assert.deepEqual(transport.calls, ["pause"]);
    await loop.next();
    assert.deepEqual(transport.calls, ["pause", "resume"]);
  });

  it("gives what came before a loss, then its error", async () => {
    const reader = new StreamReader();
    feed(reader, "a\nb");
    reader.feedError(new Error("lost"));
    const loop = reader.lines({ encoding: "latin1" });
    assert.equal((await loop.next()).value, "a");
    await assert.rejects(loop.next(), /^Error: lost$/);
    assert.equal(rest(reader), "b");
  });

  const wrong: [options: unknown, name: string, message: RegExp][] = [
    ...[0, -1, 1.5, NaN, Infinity].map((limit): [unknown, string, RegExp] => [
      { limit },
      "RangeError",
      /imit/,
    ]),
    [{ limit: "9" }, "TypeError", /^limit must be a number/],
    [{ limit: null }, "TypeError", /^limit must be a number/],
    [{ keepEnds: 1 }, "TypeError", /^keepEnds must be a boolean/],
    [{ batches: "yes" }, "TypeError", /^batches must be a boolean/],
    [{ eol: "\r\n" }, "RangeError", /^eol must be one of "lf", "crlf", "crlf-strict", got string/],
    [{ eol: 5 }, "TypeError", /^eol must be/],
    [{ onOverrun: "drop" }, "RangeError", /^onOverrun must be one of "throw", "skip"/],
    [{ onOverrun: true }, "TypeError", /^onOverrun must be/],
    [{ encoding: "klingon" }, "RangeError", /^encoding is unknown: string "klingon"/],
    [{ encoding: null }, "TypeError", /^encoding must be a string/],
    ...["utf16le", "utf-16le", "UCS2", "ucs-2"].map((encoding): [unknown, string, RegExp] => [
      { encoding },
      "RangeError",
      /^encoding must not be UTF-16/,
    ]),
    [{ timeout: 0 }, "RangeError", /^timeout must be/],
    [{ signal: {} }, "TypeError", /^signal must be/],
    [{ eof: "lf" }, "TypeError", /^lines\(\) got an unexpected option "eof"/],
    ["crlf", "TypeError", /^lines\(\) options must be an object/],
  ];
  for (const [options, name, message] of wrong) {
    it(`refuses ${inspect(options)} with a ${name}, at once`, () => {
      assert.throws(() => new StreamReader().lines(options as LinesOptions), { name, message });
    });
  }
});
