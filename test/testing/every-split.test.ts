import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StreamReader } from "asyncio-streams";
import { VirtualClock, everySplit, SplitError } from "asyncio-streams/testing";
import { splitsOf } from "#src/testing/splits.js";

async function lines(reader: StreamReader): Promise<string[]> {
  const result: string[] = [];
  for await (const line of reader) result.push(line.toString());
  return result;
}

async function failure(tried: Promise<number>): Promise<SplitError> {
  const error: unknown = await tried.then(
    (count) => assert.fail(`all ${count} splits are the same`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SplitError, String(error));
  return error;
}

/** All splits that are tried, as texts. */
function splits(input: string, exhaustive = 12, samples = 0, seed = 1): string[] {
  const bytes = Buffer.from(input);
  return [...splitsOf(bytes, { exhaustive, samples, seed })].map((cuts) => {
    const edges = [0, ...cuts, bytes.length];
    return edges
      .slice(1)
      .map((end, index) => bytes.toString("latin1", edges[index], end))
      .join("|");
  });
}

describe("everySplit()", () => {
  it("gives a parser every way to cut a short input, and resolves with their number", async () => {
    const seen = new Set<string>();
    const count = await everySplit("abcd", async (reader) => {
      const pieces: string[] = [];
      for await (const chunk of reader.chunks()) pieces.push(chunk.toString());
      seen.add(pieces.join("|"));
      return pieces.join("");
    });
    assert.equal(count, 8);
    assert.deepEqual(
      [...seen].sort(),
      ["abcd", "a|bcd", "ab|cd", "abc|d", "a|b|cd", "a|bc|d", "ab|c|d", "a|b|c|d"].sort(),
    );
  });

  it("passes a parser that does not depend on where its input is cut", async () => {
    assert.equal(await everySplit("ab\r\nc\nlast", lines), 512);
    const long = `${"x".repeat(300)}\r\n\r\n${"é".repeat(100)}\nend`;
    assert.ok((await everySplit(long, lines)) > 700);
    assert.equal(await everySplit("", lines), 1);
    assert.equal(await everySplit("a", lines), 1);
  });

  it("gives a parser bytes of its own each time", async () => {
    await everySplit("abcd", async (reader) => {
      const bytes = await reader.readExactly(4);
      const text = bytes.toString();
      bytes.fill("x");
      return text;
    });
    await everySplit("abcd", async (reader) => {
      const text: string[] = [];
      for await (const chunk of reader.chunks()) {
        text.push(chunk.toString());
        chunk.fill("x");
      }
      return text.join("");
    });
  });

  it("gives the next piece to a read that does not wait, too", async () => {
    await everySplit("ab\ncd\n", async (reader) => {
      const result: string[] = [];
      while (result.length < 2) {
        const line = reader.tryReadLine();
        if (line === undefined) await Promise.resolve();
        else result.push(line.toString());
      }
      return result;
    });
  });

  it("catches a parser that takes a chunk for a message, with the smallest split, both results and the seed", async () => {
    const error = await failure(
      everySplit("ab;c", async (reader) => (await reader.read(10)).toString().split(";")),
    );
    assert.equal(error.code, "ERR_SPLIT");
    assert.deepEqual(error.cuts, [1]);
    assert.equal(
      error.message,
      `The parser depends on where its input is cut
  cut like this   "a|b;c"
  cut at          1 (seed 1)
  gives           [ 'a' ]
  and uncut       [ 'ab', 'c' ]
  leaves unread   "b;c"
  and uncut       ""`,
    );
  });

  it("catches a parser that loses bytes when a separator is cut", async () => {
    const parse = async (reader: StreamReader) => {
      let text = "";
      for await (const chunk of reader.chunks()) text += chunk.toString("latin1").replaceAll("\r\n", "\n");
      return text;
    };
    const error = await failure(everySplit(`${"a".repeat(50)}\r\n${"b".repeat(50)}`, parse));
    assert.deepEqual(error.cuts, [51]);
    assert.match(
      error.message,
      /cut like this {3}"aaaaaaaaaaaa … aaaaaaaaaaa\\r\|\\nbbbbbbbbbbb … bbbbbbbbbbbb"\n/,
    );
  });

  it("catches a character that is decoded in halves", async () => {
    const parse = async (reader: StreamReader) => {
      let text = "";
      for await (const chunk of reader.chunks()) text += chunk.toString();
      return text;
    };
    const error = await failure(everySplit("a|é|b", parse));
    assert.match(error.message, /\n {2}cut like this {3}"a\|\\xc3¦\\xa9\|b"\n/);
  });

  it("catches a parser that reads too far, by what it leaves", async () => {
    const parse = async (reader: StreamReader) => {
      let text = "";
      while (!text.includes("\n")) text += (await reader.read(4)).toString();
      return text.slice(0, text.indexOf("\n"));
    };
    const error = await failure(everySplit("ab\ncdefgh", parse));
    assert.match(error.message, /\n {2}leaves unread {3}"efgh"\n {2}and uncut {7}"defgh"$/);
    assert.doesNotMatch(error.message, /gives/);
  });

  it("catches what only two cuts show", async () => {
    // Breaks when a line comes in three pieces.
    const parse = async (reader: StreamReader) => {
      let reads = 0;
      let text = "";
      while (!text.endsWith("\n")) {
        text += (await reader.read(100)).toString();
        reads++;
      }
      return reads > 2 ? "broken" : text;
    };
    const short = await failure(everySplit("abc\n", parse));
    assert.equal(short.cuts.length, 2);
    const long = await failure(everySplit(`${"word ".repeat(20)}\n`, parse));
    assert.equal(long.cuts.length, 2);
  });

  it("fails for a parser that throws, also uncut, with the cause", async () => {
    const reason = new TypeError("no");
    const uncut = await failure(everySplit("ab", () => Promise.reject(reason)));
    assert.equal(uncut.message, `The parser threw TypeError: no\n  uncut           "ab"`);
    assert.equal(uncut.cause, reason);
    const cut = await failure(
      everySplit("ab", async (reader) => {
        if ((await reader.read(2)).length < 2) throw reason;
      }),
    );
    assert.equal(
      cut.message,
      `The parser threw TypeError: no\n  cut like this   "a|b"\n  cut at          1 (seed 1)`,
    );
    const thrown = await failure(
      everySplit("ab", () => {
        throw reason;
      }),
    );
    assert.equal(thrown.cause, reason);
  });

  it("fails for a parser that does not come to an end, on its clock", async () => {
    const clock = new VirtualClock();
    const tried = failure(everySplit("ab", () => new Promise(() => {}), { clock, timeout: 1_000 }));
    await clock.advance(1_000);
    assert.match((await tried).message, /^The parser has not come to an end within 1000 ms\n/);
    assert.equal(clock.pending, 0);
  });

  it("leaves no timer", async () => {
    const clock = new VirtualClock();
    await everySplit("abc", lines, { clock });
    assert.equal(clock.pending, 0);
  });

  it("shows what is around the difference of long results", async () => {
    const error = await failure(
      everySplit(
        "ab",
        async (reader) => "x".repeat(5_000) + (await reader.read(2)).toString() + "y".repeat(5_000),
      ),
    );
    assert.match(error.message, /gives {11}… x{59}ay+ …\n {2}and uncut {7}… x{59}aby+ …\n/);
    assert.ok(error.message.length < 1_000);
  });

  it("reads with the limit it is given", async () => {
    const read = (reader: StreamReader) => reader.readUntil().then(String, (error: Error) => error.name);
    await everySplit("abcdef\n", async (reader) => assert.equal(await read(reader), "LimitOverrunError"), {
      limit: 3,
    });
  });

  it("refuses wrong arguments", async () => {
    await assert.rejects(everySplit(1 as never, lines), TypeError);
    await assert.rejects(everySplit("a", 1 as never), TypeError);
    await assert.rejects(everySplit("a", lines, { exhaustive: 21 }), RangeError);
    await assert.rejects(everySplit("a", lines, { samples: -1 }), RangeError);
    await assert.rejects(everySplit("a", lines, { timeout: 0 }), RangeError);
    await assert.rejects(everySplit("a", lines, { seeds: 1 } as never), TypeError);
  });
});

describe("the splits of a long input", () => {
  const INPUT = "Content-Length: 12\r\n\r\nsome body text";

  it("are each single cut, pairs at separators and between all bytes", () => {
    const tried = new Set(splits(INPUT));
    for (let cut = 1; cut < INPUT.length; cut++)
      assert.ok(tried.has(`${INPUT.slice(0, cut)}|${INPUT.slice(cut)}`));
    assert.ok(tried.has("Content-Length: 12\r|\n\r|\nsome body text"));
    assert.ok(tried.has("Content-Length|: 12\r\n\r\n|some body text"));
    assert.ok(tried.has(INPUT.split("").join("|")));
  });

  it("are equal for equal seeds, and others for others", () => {
    const random = (seed: number) => splits(INPUT, 12, 50, seed).slice(-50);
    assert.deepEqual(random(7), random(7));
    assert.notDeepEqual(random(7), random(8));
    assert.ok(new Set(random(7)).size > 40);
  });

  it("are bounded, however long it is", () => {
    const many = splits("a\n".repeat(5_000), 12, 10).length;
    assert.ok(many > 4_000 && many <= 4_011, String(many));
  });
});
