import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { StreamReader } from "asyncio-streams";
import { cleanups } from "../support/cleanup.js";
import { Random } from "../support/random.js";
import { RecordingTransport, UnpausableTransport } from "../support/recording-transport.js";
import { isPending, nextTurn } from "../support/turns.js";

/** A reader with text in its buffer. */
function readerWith(text: string, limit?: number): StreamReader {
  const reader = new StreamReader({ limit });
  reader.feedData(Buffer.from(text));
  return reader;
}

function endedReader(text: string, limit?: number): StreamReader {
  const reader = readerWith(text, limit);
  reader.feedEof();
  return reader;
}

/** A reader with a transport below it. */
function connectedReader(limit: number): { reader: StreamReader; transport: RecordingTransport } {
  const reader = new StreamReader({ limit });
  const transport = new RecordingTransport();
  reader.setTransport(transport);
  return { reader, transport };
}

function feed(reader: StreamReader, text: string): void {
  reader.feedData(Buffer.from(text));
}

async function assertReads(read: Promise<Buffer>, text: string): Promise<void> {
  assert.equal((await read).toString(), text);
}

/** Every kind of read, as one that waits on an empty buffer and on `"abc"`. */
const WAITING: Record<string, (reader: StreamReader) => Promise<unknown>> = {
  "read()": (reader) => reader.read(),
  "readExactly(9)": (reader) => reader.readExactly(9),
  'readUntil(";")': (reader) => reader.readUntil(";"),
  "readLine()": (reader) => reader.readLine(),
  "next()": (reader) => reader[Symbol.asyncIterator]().next(),
};

/** Every kind of read, as one that `"abc\n"` suffices for. */
const SERVED: Record<string, (reader: StreamReader) => Promise<unknown>> = {
  "read(2)": (reader) => reader.read(2),
  "read(0)": (reader) => reader.read(0),
  "readExactly(2)": (reader) => reader.readExactly(2),
  "readExactly(0)": (reader) => reader.readExactly(0),
  'readUntil("b")': (reader) => reader.readUntil("b"),
  "readLine()": (reader) => reader.readLine(),
  "next()": (reader) => reader[Symbol.asyncIterator]().next(),
};

describe("new StreamReader()", () => {
  it("has a limit of 65536 bytes by default (1)", () => {
    for (const reader of [new StreamReader(), new StreamReader({}), new StreamReader({ limit: undefined })]) {
      const transport = new RecordingTransport();
      reader.setTransport(transport);
      reader.feedData(Buffer.alloc(2 * 65_536));
      assert.deepEqual(transport.calls, []);
      reader.feedData(Buffer.alloc(1));
      assert.deepEqual(transport.calls, ["pause"]);
    }
  });

  const wrong: [options: unknown, error: { name: string; message: string }][] = [
    [{ limit: 0 }, { name: "RangeError", message: "Limit cannot be <= 0, got 0" }],
    [{ limit: -1 }, { name: "RangeError", message: "Limit cannot be <= 0, got -1" }],
    [{ limit: 1.5 }, { name: "RangeError", message: "limit must be a whole number of at least 1, got 1.5" }],
    [{ limit: NaN }, { name: "RangeError", message: "limit must be a whole number of at least 1, got NaN" }],
    [{ limit: "9" }, { name: "TypeError", message: 'limit must be a number, not string "9"' }],
    [{ limit: null }, { name: "TypeError", message: "limit must be a number, not null" }],
    [{ limits: 9 }, { name: "TypeError", message: 'StreamReader() got an unexpected option "limits"' }],
    [9, { name: "TypeError", message: "StreamReader() options must be an object, not number 9" }],
  ];
  for (const [options, error] of wrong) {
    it(`refuses ${inspect(options)} with a ${error.name} (5)`, () => {
      assert.throws(() => new StreamReader(options as { limit: number }), error);
    });
  }
});

describe("StreamReader, fed", () => {
  it("feedData() with no bytes leaves a pending read pending (6)", async () => {
    const reader = new StreamReader();
    const read = reader.read(9);
    reader.feedData(new Uint8Array(0));
    assert.ok(await isPending(read));
    feed(reader, "abc");
    await assertReads(read, "abc");
  });

  it("feedData() after feedEof() is an error, even with no bytes (6)", () => {
    const reader = endedReader("abc");
    for (const text of ["d", ""]) {
      assert.throws(() => feed(reader, text), {
        name: "InvalidStateError",
        message: "feedData() called after feedEof()",
      });
    }
  });

  it("feedData() takes nothing but bytes", () => {
    for (const [data, kind] of [
      ["abc", 'string "abc"'],
      [undefined, "undefined"],
      [[1], "an instance of Array"],
    ]) {
      const message = `feedData() takes a Uint8Array, not ${String(kind)}`;
      assert.throws(() => new StreamReader().feedData(data as unknown as Uint8Array), {
        name: "TypeError",
        message,
      });
    }
  });

  it("feedEof() can be repeated, and ends a pending read (9)", async () => {
    const reader = new StreamReader();
    const read = reader.read(9);
    reader.feedEof();
    reader.feedEof();
    await assertReads(read, "");
  });

  it("atEof() is true when the end is known and everything was read (9)", async () => {
    const reader = readerWith("abc");
    assert.equal(reader.atEof(), false);
    reader.feedEof();
    assert.equal(reader.atEof(), false);
    await reader.read(2);
    assert.equal(reader.atEof(), false);
    await reader.read(2);
    assert.equal(reader.atEof(), true);
  });

  it("atEof() stays false after an error without an end (10)", () => {
    const reader = new StreamReader();
    reader.setException(new Error("broken"));
    assert.equal(reader.atEof(), false);
  });

  it("setTransport() twice is an error (11)", () => {
    const { reader } = connectedReader(9);
    assert.throws(() => reader.setTransport(new RecordingTransport()), {
      name: "InvalidStateError",
      message: "Transport already set",
    });
  });

  it("toString() and the console show the state (12)", async () => {
    const reader = new StreamReader();
    assert.equal(reader.toString(), "<StreamReader>");
    assert.equal(new StreamReader({ limit: 4 }).toString(), "<StreamReader limit=4>");
    feed(reader, "abc");
    reader.feedEof();
    assert.equal(String(reader), "<StreamReader 3 bytes eof>");

    const { reader: connected } = connectedReader(2);
    assert.equal(connected.toString(), "<StreamReader limit=2 transport>");
    feed(connected, "abcde");
    assert.equal(connected.toString(), "<StreamReader 5 bytes limit=2 transport paused>");
    const read = connected.readExactly(9);
    assert.equal(connected.toString(), "<StreamReader 5 bytes limit=2 waiter transport>");
    connected.setException(new Error("broken"));
    await assert.rejects(read);
    assert.equal(connected.toString(), "<StreamReader 5 bytes limit=2 exception=Error: broken transport>");
    assert.equal(inspect(connected), connected.toString());
  });
});

describe("StreamReader, failed", () => {
  for (const [name, read] of Object.entries({ ...WAITING, ...SERVED })) {
    it(`setException() makes ${name} reject with the error, also when bytes are buffered (10, 17)`, async () => {
      const error = new Error("broken");
      const reader = endedReader("abc\n");
      assert.equal(reader.exception(), undefined);
      reader.setException(error);
      assert.equal(reader.exception(), error);
      await assert.rejects(read(reader), error);
      await assert.rejects(read(reader), error);
    });
  }

  for (const [name, read] of Object.entries(WAITING)) {
    it(`setException() rejects a pending ${name} (10)`, async () => {
      const error = new Error("broken");
      const reader = readerWith("abc");
      const pending = read(reader);
      reader.setException(error);
      await assert.rejects(pending, error);
    });

    it(`feedError() rejects a pending ${name} that needs more, and leaves the bytes`, async () => {
      const error = new Error("lost");
      const reader = readerWith("abc");
      const pending = read(reader);
      feed(reader, "def");
      reader.feedError(error);
      await assert.rejects(pending, error);
      await assert.rejects(read(reader), error, "a later one too");
      await assertReads(reader.read(99), "abcdef");
      await assert.rejects(reader.read(99), error);
      assert.equal(reader.exception(), error);
    });
  }

  it("setException() acts at once, on a pending read whose bytes have just come too (10)", async () => {
    const error = new Error("broken");
    const reader = new StreamReader();
    const read = reader.readExactly(3);
    feed(reader, "abc");
    reader.setException(error);
    await assert.rejects(read, error);
  });

  for (const [name, read] of Object.entries(SERVED)) {
    it(`feedError() leaves enough for ${name}`, async () => {
      const reader = readerWith("abc\n");
      reader.feedError(new Error("lost"));
      await read(reader);
    });
  }

  it("feedError() gives a pending read what came before it", async () => {
    const error = new Error("lost");
    const reader = new StreamReader();
    const read = reader.read(9);
    feed(reader, "abc");
    reader.feedError(error);
    await assertReads(read, "abc");
    await assert.rejects(reader.read(9), error);
  });

  it("feedError() after feedEof() counts, and the end no longer", async () => {
    const error = new Error("lost");
    const reader = endedReader("abc");
    reader.feedError(error);
    await assert.rejects(reader.read(), error);
    await assert.rejects(reader.readLine(), error);
    await assert.rejects(reader.readExactly(4), error);
    await assertReads(reader.read(9), "abc");
    await assert.rejects(reader.read(9), error);
  });

  it("setException() and feedError() take nothing but an Error", () => {
    const reader = new StreamReader();
    for (const method of ["setException", "feedError"] as const) {
      const message = `${method}() takes an Error, not string "broken"`;
      assert.throws(() => reader[method]("broken" as unknown as Error), { name: "TypeError", message });
    }
    assert.equal(reader.exception(), undefined);
  });
});

describe("StreamReader, read twice at once", () => {
  const names: Record<string, string> = { "readLine()": "readUntil", "next()": "readUntil" };
  const message = (call: string) =>
    `${names[call] ?? call.replace(/\(.*/, "")}() called while another coroutine is already waiting for incoming data`;

  for (const [second, read] of Object.entries({ ...WAITING, ...SERVED })) {
    it(`a second read, ${second}, is rejected at once, also when the buffer could serve it (13, 14)`, async () => {
      for (const [first, begin] of Object.entries(WAITING)) {
        const reader = new StreamReader();
        const pending = begin(reader);
        const rejection = { name: "InvalidStateError", message: message(second) };
        await assert.rejects(read(reader), rejection, `while ${first} has no byte`);
        feed(reader, "abc");
        await nextTurn();
        await assert.rejects(read(reader), rejection, `while ${first} needs more than is buffered`);
        feed(reader, "defghi;\n");
        await assert.rejects(read(reader), rejection, `before ${first} has taken what came`);
        reader.feedEof();
        const result = await pending;
        assert.match(String((result as { value?: Buffer }).value ?? result), /^abcdefghi/, first);
      }
    });
  }

  it("a next read can begin as soon as the one before has settled (16)", async () => {
    const reader = new StreamReader();
    const both = reader
      .readLine()
      .then((first) => reader.readLine().then((second) => String(first) + String(second)));
    feed(reader, "a\nb\n");
    assert.equal(await both, "a\nb\n");

    const failed = reader.readExactly(9).catch(() => reader.read(9));
    feed(reader, "abc");
    reader.feedError(new Error("lost"));
    assert.equal(String(await failed), "abc");
  });
});

describe("read()", () => {
  it("gives up to the size as soon as there is a byte (17)", async () => {
    const reader = readerWith("abcde");
    await assertReads(reader.read(3), "abc");
    await assertReads(reader.read(99), "de");
    const read = reader.read(99);
    assert.ok(await isPending(read));
    feed(reader, "f");
    await assertReads(read, "f");
  });

  it("gives no bytes for a size of 0, at once, and takes none (17)", async () => {
    await assertReads(new StreamReader().read(0), "");
    const reader = readerWith("abc");
    await assertReads(reader.read(0), "");
    await assertReads(reader.read(9), "abc");
  });

  it("waits for the end without a size, or with any negative one (17, 18)", async () => {
    for (const size of [undefined, -1, -7]) {
      const reader = readerWith("abc", 2);
      const read = reader.read(size);
      assert.ok(await isPending(read));
      feed(reader, "defghi");
      assert.ok(await isPending(read));
      reader.feedEof();
      await assertReads(read, "abcdefghi");
    }
  });

  it("is not bounded by the limit (18)", async () => {
    await assertReads(readerWith("abcdefghi", 2).read(9), "abcdefghi");
  });

  it("keeps giving no bytes at the end (18)", async () => {
    const reader = endedReader("abc");
    await assertReads(reader.read(9), "abc");
    for (const size of [9, -1, 9]) await assertReads(reader.read(size), "");
  });

  it("to the end consumes nothing before it succeeds (15)", async () => {
    const reader = readerWith("abc", 2);
    const read = reader.read();
    feed(reader, "def");
    assert.ok(await isPending(read));
    assert.equal(reader.toString(), "<StreamReader 6 bytes limit=2 waiter>");
    reader.feedError(new Error("lost"));
    await assert.rejects(read, { message: "lost" });
    await assertReads(reader.readExactly(6), "abcdef");
  });

  it("refuses a size that is no whole number", async () => {
    const reader = readerWith("abc");
    for (const size of ["1", null, 1n]) {
      await assert.rejects(reader.read(size as unknown as number), {
        name: "TypeError",
        message: /^read size must/,
      });
    }
    for (const size of [1.5, NaN, Infinity, -Infinity]) {
      await assert.rejects(reader.read(size), { name: "RangeError", message: new RegExp(`got ${size}$`) });
    }
    await assertReads(reader.read(9), "abc");
  });
});

describe("readExactly()", () => {
  it("waits until it has all bytes, over the limit too (20)", async () => {
    const reader = readerWith("abc", 2);
    const read = reader.readExactly(7);
    feed(reader, "def");
    assert.ok(await isPending(read));
    feed(reader, "ghi");
    await assertReads(read, "abcdefg");
    await assertReads(reader.readExactly(2), "hi");
  });

  it("gives no bytes for 0, at once (19)", async () => {
    await assertReads(new StreamReader().readExactly(0), "");
  });

  it("rejects with the rest when the end comes before, and empties the buffer (20)", async () => {
    const reader = endedReader("abc");
    await assert.rejects(reader.readExactly(9), {
      name: "IncompleteReadError",
      message: "3 bytes read on a total of 9 expected bytes",
      partial: Buffer.from("abc"),
      expected: 9,
    });
    assert.equal(reader.atEof(), true);
    await assert.rejects(reader.readExactly(1), { partial: Buffer.alloc(0), expected: 1 });
  });

  it("rejects in the same way while it waits (20)", async () => {
    const reader = new StreamReader();
    const read = reader.readExactly(9);
    feed(reader, "abc");
    await nextTurn();
    reader.feedEof();
    await assert.rejects(read, { name: "IncompleteReadError", partial: Buffer.from("abc") });
  });

  it("refuses a negative size, before it looks at an error that is there (19)", async () => {
    const reader = new StreamReader();
    reader.setException(new Error("broken"));
    await assert.rejects(reader.readExactly(-1), {
      name: "RangeError",
      message: "readExactly size can not be less than zero, got -1",
    });
    await assert.rejects(reader.readExactly(0), { message: "broken" });
  });

  it("refuses a size that is no whole number", async () => {
    const reader = readerWith("abc");
    for (const size of ["1", "-1", undefined, null, 1n, -1n]) {
      await assert.rejects(reader.readExactly(size as unknown as number), {
        name: "TypeError",
        message: /^readExactly size must be a number, not /,
      });
    }
    for (const size of [1.5, NaN, Infinity]) {
      await assert.rejects(reader.readExactly(size), {
        name: "RangeError",
        message: new RegExp(`got ${size}$`),
      });
    }
  });
});

const NOT_FOUND = "Separator is not found, and chunk exceed the limit";
const FOUND = "Separator is found, but chunk is longer than limit";

describe("readUntil()", () => {
  it("takes a string, bytes, an array of both, and a newline by default (21)", async () => {
    const reader = readerWith("a;b;c;d\n");
    await assertReads(reader.readUntil(";"), "a;");
    await assertReads(reader.readUntil(Uint8Array.of(0x3b)), "b;");
    await assertReads(reader.readUntil([Buffer.from("\n"), ";"]), "c;");
    await assertReads(reader.readUntil(), "d\n");
  });

  it("refuses separators before it looks at an error that is there (21)", async () => {
    const reader = readerWith("abc");
    reader.setException(new Error("broken"));
    const refusals: [separator: unknown, name: string, message: string][] = [
      [[], "RangeError", "Separator should contain at least one element"],
      ["", "RangeError", "Separator should be at least one-byte string"],
      [["a", ""], "RangeError", "Separator should be at least one-byte string"],
      [7, "TypeError", "separator must be bytes, a string, or an array of them, not number 7"],
      [["a", 7], "TypeError", "separator must be bytes, a string, or an array of them, not number 7"],
    ];
    for (const [separator, name, message] of refusals) {
      await assert.rejects(reader.readUntil(separator as string), { name, message });
    }
    await assert.rejects(reader.readUntil("a"), { message: "broken" });
  });

  it("stops at the match that ends first, and of two that end together at the shorter (22)", async () => {
    await assertReads(readerWith("ABCDEFG").readUntil(["DEF", "BCDE"]), "ABCDE");
    await assertReads(readerWith("one\r\n").readUntil(["\r", "\r\n"]), "one\r");
    await assertReads(readerWith("xxAByy").readUntil(["AB", "B"]), "xxAB");
    await assert.rejects(readerWith("xxABy", 2).readUntil(["AB", "B"]), { message: FOUND, consumed: 3 });
    await assertReads(readerWith("xxAByy", 2).readUntil("AB"), "xxAB");
  });

  it("finds a separator that comes in pieces (27)", async () => {
    const reader = new StreamReader();
    const read = reader.readUntil("\r\n\r\n");
    for (const piece of ["a\r", "\n", "\rb\r\n\r", "\nrest"]) {
      assert.ok(await isPending(read));
      feed(reader, piece);
    }
    await assertReads(read, "a\r\n\rb\r\n\r\n");
    await assertReads(reader.read(9), "rest");
  });

  it("lets as many bytes as the limit stand before the separator (23)", async () => {
    await assertReads(readerWith("1234567\n", 7).readUntil("\n"), "1234567\n");
  });

  it("leaves the data in place when the separator comes after the limit (23, 25)", async () => {
    const reader = readerWith("12345678\nab", 7);
    await assert.rejects(reader.readUntil("\n"), { name: "LimitOverrunError", message: FOUND, consumed: 8 });
    await assertReads(reader.readExactly(8), "12345678");
    await assertReads(reader.readUntil("\n"), "\n");
  });

  it("leaves the data in place when the limit is overrun without a separator (24, 25)", async () => {
    const reader = readerWith("some dataAA", 3);
    const overrun = { name: "LimitOverrunError", message: NOT_FOUND, consumed: 9 };
    await assert.rejects(reader.readUntil("AAA"), overrun);
    await assert.rejects(reader.readUntil("AAA"), overrun);
    await assertReads(reader.read(9), "some data");
    feed(reader, "A");
    await assertReads(reader.readUntil("AAA"), "AAA");
  });

  it("overruns while it waits, too (24)", async () => {
    const reader = readerWith("abc", 3);
    const read = reader.readUntil("\n");
    assert.ok(await isPending(read));
    feed(reader, "d");
    await assert.rejects(read, { message: NOT_FOUND, consumed: 4 });
    await assertReads(reader.read(9), "abcd");
  });

  it("overruns at the end of the stream before it is incomplete (24)", async () => {
    await assert.rejects(endedReader("xxxx", 3).readUntil("\n"), { message: NOT_FOUND, consumed: 4 });
    await assert.rejects(endedReader("xxxAA", 3).readUntil("AAA"), { name: "IncompleteReadError" });
  });

  it("rejects with the rest at the end of the stream, and empties the buffer (26)", async () => {
    const reader = endedReader("ab\ncd");
    await assertReads(reader.readUntil("\n"), "ab\n");
    await assert.rejects(reader.readUntil("\n"), {
      name: "IncompleteReadError",
      message: "2 bytes read on a total of undefined expected bytes",
      partial: Buffer.from("cd"),
      expected: undefined,
    });
    assert.equal(reader.atEof(), true);
  });
});

describe("readLine()", () => {
  it("gives lines with their newline, the last one without, then no bytes (28)", async () => {
    const reader = endedReader("a\n\r\n\nlast");
    for (const line of ["a\n", "\r\n", "\n", "last", "", ""]) await assertReads(reader.readLine(), line);
  });

  it("waits for the newline, or for the end (28)", async () => {
    const reader = readerWith("a");
    const first = reader.readLine();
    assert.ok(await isPending(first));
    feed(reader, "b\nc");
    await assertReads(first, "ab\n");
    const second = reader.readLine();
    assert.ok(await isPending(second));
    reader.feedEof();
    await assertReads(second, "c");
  });

  it("drops a line above the limit through its newline (28)", async () => {
    const reader = readerWith("xxxx\nyy\n", 3);
    await assert.rejects(reader.readLine(), {
      name: "LineTooLongError",
      message: `${FOUND} (limit 3 bytes, 5 bytes of the line were dropped)`,
      limit: 3,
      dropped: 5,
    });
    await assertReads(reader.readLine(), "yy\n");
  });

  it("drops all that is buffered without a newline; the rest comes as the next line (28)", async () => {
    const reader = readerWith("xx", 3);
    const read = reader.readLine();
    feed(reader, "xx");
    await assert.rejects(read, {
      name: "LineTooLongError",
      message: `${NOT_FOUND} (limit 3 bytes, 4 bytes of the line were dropped)`,
      dropped: 4,
    });
    assert.equal(reader.toString(), "<StreamReader limit=3>");
    feed(reader, "x\n");
    await assertReads(reader.readLine(), "x\n");
  });
});

describe("readLine() without memory for the line", () => {
  const cleanup = cleanups();

  it("rejects with that error, and leaves the bytes", async () => {
    const reader = readerWith("on");
    feed(reader, "e\ntwo\n");
    const allocUnsafe = Buffer.allocUnsafe.bind(Buffer);
    const error = new RangeError("Array buffer allocation failed");
    Buffer.allocUnsafe = () => {
      throw error;
    };
    cleanup(() => (Buffer.allocUnsafe = allocUnsafe));
    await assert.rejects(reader.readLine(), (thrown) => thrown === error);
    Buffer.allocUnsafe = allocUnsafe;
    await assertReads(reader.readLine(), "one\n");
  });
});

describe("for await of a StreamReader", () => {
  async function linesOf(reader: StreamReader): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of reader) lines.push(line.toString());
    return lines;
  }

  it("gives each line, the last one unterminated (29)", async () => {
    assert.deepEqual(await linesOf(endedReader("a\n\nb")), ["a\n", "\n", "b"]);
    assert.deepEqual(await linesOf(endedReader("")), []);
  });

  it("can be left and begun anew without loss", async () => {
    const reader = endedReader("a\nb\nc\n");
    for await (const line of reader) {
      assert.equal(line.toString(), "a\n");
      break;
    }
    await assertReads(reader.readLine(), "b\n");
    assert.deepEqual(await linesOf(reader), ["c\n"]);
  });

  it("ends with the error of an over-long line, after which reading can go on (29)", async () => {
    const reader = endedReader("a\nxxxx\nb\n", 3);
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const line of reader) seen.push(line.toString());
      },
      { name: "LineTooLongError" },
    );
    assert.deepEqual(seen, ["a\n"]);
    assert.deepEqual(await linesOf(reader), ["b\n"]);
  });
});

describe("flow control", () => {
  it("pauses above twice the limit, not at it, and once (7)", () => {
    const { reader, transport } = connectedReader(10);
    feed(reader, "x".repeat(20));
    assert.deepEqual(transport.calls, []);
    feed(reader, "x");
    feed(reader, "x".repeat(30));
    assert.deepEqual(transport.calls, ["pause"]);
  });

  it("resumes at the limit, not above it, and once (8)", async () => {
    const { reader, transport } = connectedReader(10);
    feed(reader, "x".repeat(25));
    await reader.read(14);
    assert.deepEqual(transport.calls, ["pause"]);
    await reader.read(1);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
    await reader.read(1);
    feed(reader, "x".repeat(12));
    assert.deepEqual(transport.calls, ["pause", "resume", "pause"]);
  });

  const full = `${"x".repeat(9)}\n${"y".repeat(30)}`;
  const rest = `${"y".repeat(29)}\n`;
  const taking: [
    name: string,
    text: string,
    read: (reader: StreamReader) => Promise<unknown>,
    resumes: boolean,
  ][] = [
    ["read(n)", full, (reader) => reader.read(35), true],
    ["readExactly(n)", full, (reader) => reader.readExactly(35), true],
    ["readUntil()", `${"y".repeat(10)}\n${"x".repeat(10)}`, (reader) => reader.readUntil(), true],
    ["readLine()", `${"y".repeat(10)}\n${"x".repeat(10)}`, (reader) => reader.readLine(), true],
    ["a readLine() that drops", rest, (reader) => assert.rejects(reader.readLine()), true],
    ["read(0)", full, (reader) => reader.read(0), false],
    ["readExactly(0)", full, (reader) => reader.readExactly(0), false],
    ["a readUntil() over the limit", rest, (reader) => assert.rejects(reader.readUntil()), false],
  ];
  for (const [name, text, read, resumes] of taking) {
    it(`${name} ${resumes ? "resumes" : "does not resume"} (8)`, async () => {
      const { reader, transport } = connectedReader(10);
      feed(reader, text);
      await read(reader);
      assert.deepEqual(transport.calls, resumes ? ["pause", "resume"] : ["pause"]);
    });
  }

  it("an incomplete read does not resume: nothing more comes (8)", async () => {
    for (const read of [
      (reader: StreamReader) => reader.readExactly(99),
      (reader: StreamReader) => reader.readUntil("z".repeat(20)),
    ]) {
      const { reader, transport } = connectedReader(10);
      feed(reader, "y".repeat(21));
      reader.feedEof();
      await assert.rejects(read(reader), { name: "IncompleteReadError" });
      await reader.read(0);
      await reader.readExactly(0);
      assert.deepEqual(transport.calls, ["pause"]);
    }
  });

  it("a read that has to wait resumes first, and each chunk pauses again (8)", async () => {
    const { reader, transport } = connectedReader(10);
    feed(reader, "x".repeat(30));
    const read = reader.readExactly(100);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
    for (let chunk = 0; chunk < 7; chunk++) {
      feed(reader, "x".repeat(10));
      assert.equal(transport.isPaused, true);
      await nextTurn();
      assert.equal(transport.isPaused, false);
    }
    await assertReads(read, "x".repeat(100));
  });

  for (const [name, read] of Object.entries({
    "readExactly()": (reader: StreamReader) => reader.readExactly(1000),
    "read()": (reader: StreamReader) => reader.read(),
    "a long separator in readUntil()": (reader: StreamReader) => reader.readUntil(`${"x".repeat(999)}\n`),
  })) {
    it(`${name} gets 100 times the limit from a transport that keeps to its pauses (8)`, async () => {
      const { reader, transport } = connectedReader(10);
      const stream = `${"x".repeat(999)}\n`;
      const pending = read(reader);
      for (let at = 0; at < stream.length; at += 25) {
        assert.equal(transport.isPaused, false, "else nothing more would come");
        feed(reader, stream.slice(at, at + 25));
        await nextTurn();
      }
      reader.feedEof();
      assert.equal(String(await pending), stream);
    });
  }

  it("keeps the buffer within twice the limit and one chunk for a slow reader (7, 8)", async () => {
    const { reader, transport } = connectedReader(10);
    let buffered = 0;
    for (let line = 0; line < 200; line++) {
      while (!transport.isPaused) {
        feed(reader, "abc\ndef\n");
        buffered += 8;
      }
      assert.ok(buffered <= 2 * 10 + 8, `${buffered} bytes`);
      buffered -= (await reader.readLine()).length;
    }
  });

  it("a transport that delivers within resumeReading() ends the wait for more (8)", async () => {
    const reader = new StreamReader({ limit: 2 });
    reader.setTransport({ pauseReading() {}, resumeReading: () => feed(reader, "6789") });
    feed(reader, "12345");
    await assertReads(reader.readExactly(9), "123456789");
  });

  it("a transport that throws in resumeReading() fails the read, and no other one", async () => {
    const reader = new StreamReader({ limit: 2 });
    const error = new Error("not now");
    const errors = [error];
    reader.setTransport({
      pauseReading() {},
      resumeReading() {
        for (const thrown of errors.splice(0)) throw thrown;
      },
    });
    feed(reader, "12345");
    await assert.rejects(reader.readExactly(9), error);
    const read = reader.readExactly(6);
    feed(reader, "6");
    await assertReads(read, "123456");
  });

  it("a transport that cannot pause is asked once, and never told to resume (7)", async () => {
    const reader = new StreamReader({ limit: 2 });
    const transport = new UnpausableTransport();
    reader.setTransport(transport);
    feed(reader, "12345");
    feed(reader, "6789");
    assert.equal(reader.toString(), "<StreamReader 9 bytes limit=2>");
    await assertReads(reader.readExactly(9), "123456789");
    const read = reader.readExactly(6);
    feed(reader, "12345");
    feed(reader, "6");
    await assertReads(read, "123456");
    assert.deepEqual(transport.calls, ["pause"]);
  });

  it("another failure of pauseReading() comes out of feedData() (7)", () => {
    const reader = new StreamReader({ limit: 2 });
    const error = new Error("broken");
    reader.setTransport({
      pauseReading() {
        throw error;
      },
      resumeReading() {},
    });
    assert.throws(() => feed(reader, "12345"), error);
  });

  it("is off without a transport (7)", async () => {
    const reader = readerWith("12345", 2);
    assert.equal(reader.toString(), "<StreamReader 5 bytes limit=2>");
    await assertReads(reader.read(9), "12345");
  });
});

describe("reads in a row", () => {
  /** What the reads of a script give, and how the stream ends. */
  async function run(reader: StreamReader, script: readonly string[]): Promise<string[]> {
    const results: string[] = [];
    for (const step of script) {
      const [kind, value] = step.split(" ") as [string, string];
      const read = {
        exactly: () => reader.readExactly(Number(value)),
        until: () => reader.readUntil(value.split("|")),
        line: () => reader.readLine(),
        all: () => reader.read(),
      }[kind]!;
      results.push(await read().then(String, (error: Error) => `${error.name}: ${error.message}`));
    }
    return results;
  }

  it("give the same whatever the chunks, fed before or in between", async () => {
    const random = new Random(4);
    for (let round = 0; round < 300; round++) {
      const stream = random.text(random.within(0, 60), "ab\n");
      const steps = [
        "exactly 0",
        "exactly 3",
        "exactly 11",
        "until b",
        "until ab|b",
        "until \na|bab",
        "line",
        "all",
      ];
      const script = Array.from({ length: 8 }, () => random.pick(steps));
      const expected = await run(endedReader(stream), script);

      const { reader } = connectedReader(1000);
      const results = run(reader, script);
      for (let at = 0; at < stream.length;) {
        const size = random.within(1, 9);
        feed(reader, stream.slice(at, at + size));
        at += size;
        if (random.within(0, 1) === 0) await nextTurn();
      }
      reader.feedEof();
      assert.deepEqual(await results, expected, JSON.stringify({ round, stream, script }));
    }
  });
});
