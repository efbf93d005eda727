/** Reads that never wait. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lengthPrefixed, readFrame, StreamReader, tryReadFrame } from "asyncio-streams";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { Random } from "../support/random.js";
import { RecordingTransport } from "../support/recording-transport.js";
import { nextTurn } from "../support/turns.js";

interface Pair {
  readonly name: string;
  readonly attempt: (reader: StreamReader) => Buffer | undefined;
  readonly wait: (reader: StreamReader) => Promise<Buffer>;
}

/** Its length says `"a"` (97) bytes, and more than is allowed where that is `"b"`. */
const FRAME = lengthPrefixed({ bytes: 1, maxFrame: 97 });

const PAIRS: readonly Pair[] = [
  {
    name: "tryReadFrame()",
    attempt: (reader) => tryReadFrame(reader, FRAME),
    wait: (reader) => readFrame(reader, FRAME),
  },
  { name: "tryRead(3)", attempt: (reader) => reader.tryRead(3), wait: (reader) => reader.read(3) },
  { name: "tryRead(0)", attempt: (reader) => reader.tryRead(0), wait: (reader) => reader.read(0) },
  { name: "tryRead()", attempt: (reader) => reader.tryRead(), wait: (reader) => reader.read() },
  {
    name: "tryReadExactly(4)",
    attempt: (reader) => reader.tryReadExactly(4),
    wait: (reader) => reader.readExactly(4),
  },
  {
    name: "tryReadExactly(0)",
    attempt: (reader) => reader.tryReadExactly(0),
    wait: (reader) => reader.readExactly(0),
  },
  { name: "tryReadLine()", attempt: (reader) => reader.tryReadLine(), wait: (reader) => reader.readLine() },
  {
    name: "tryReadUntil()",
    attempt: (reader) => reader.tryReadUntil(),
    wait: (reader) => reader.readUntil(),
  },
  {
    name: 'tryReadUntil(["ab", "b"])',
    attempt: (reader) => reader.tryReadUntil(["ab", "b"]),
    wait: (reader) => reader.readUntil(["ab", "b"]),
  },
];

const STATES: Record<string, (reader: StreamReader) => void> = {
  open: () => {},
  ended: (reader) => reader.feedEof(),
  lost: (reader) => reader.feedError(new Error("lost")),
  "ended and lost": (reader) => {
    reader.feedEof();
    reader.feedError(new Error("lost"));
  },
  broken: (reader) => reader.setException(new Error("broken")),
};

function readerWith(text: string, limit = 5): { reader: StreamReader; transport: RecordingTransport } {
  const reader = new StreamReader({ limit });
  const transport = new RecordingTransport();
  reader.setTransport(transport);
  reader.feedData(Buffer.from(text));
  return { reader, transport };
}

/** What a read gives, also if it fails or waits, and what it leaves. */
function outcome(reader: StreamReader, attempt: Pair["attempt"]): string {
  const left = () => reader.toString();
  try {
    return `${String(attempt(reader) ?? "waits")}, ${left()}`;
  } catch (error) {
    return `${String(error)}, ${left()}`;
  }
}

async function awaited(reader: StreamReader, wait: Pair["wait"]): Promise<string> {
  const pending = wait(reader).then(String, String);
  const result = await Promise.race([pending, nextTurn().then(() => undefined)]);
  if (result === undefined) return `waits, ${reader.toString().replace(" waiter", "")}`;
  return `${result}, ${reader.toString()}`;
}

describe("tryRead…()", () => {
  for (const { name, attempt, wait } of PAIRS) {
    it(`${name} gives what the read that waits would give at once, in every state, and else undefined`, async () => {
      for (const text of [
        "",
        "b",
        "ab",
        "xab",
        "xxxab\nab",
        "12345",
        "123456",
        "12345678901",
        "1234567890\n1",
      ]) {
        for (const [state, enter] of Object.entries(STATES)) {
          const [one, two] = [readerWith(text), readerWith(text)];
          enter(one.reader);
          enter(two.reader);
          const got = outcome(one.reader, attempt);
          assert.equal(got, await awaited(two.reader, wait), `${JSON.stringify(text)}, ${state}`);
          assert.deepEqual(one.transport.calls, two.transport.calls, `${JSON.stringify(text)}, ${state}`);
        }
      }
    });

    it(`${name} is refused while a read is pending, which goes on`, async () => {
      const { reader } = readerWith("ab");
      const reading = reader.readExactly(6);
      const method = name.replace(/\(.*/, "");
      assert.throws(() => attempt(reader), {
        name: "InvalidStateError",
        message: `${method}() called while another coroutine is already waiting for incoming data`,
      });
      reader.feedData(Buffer.from("cdef"));
      assert.equal(String(await reading), "abcdef");
    });
  }

  const wrong: [name: string, call: (reader: StreamReader) => unknown, error: object][] = [
    ["tryRead(1.5)", (reader) => reader.tryRead(1.5), { name: "RangeError", message: /^read size must/ }],
    ["tryRead(NaN)", (reader) => reader.tryRead(NaN), { name: "RangeError", message: /got NaN$/ }],
    ['tryRead("1")', (reader) => reader.tryRead("1" as unknown as number), { name: "TypeError" }],
    [
      "tryReadExactly(-1)",
      (reader) => reader.tryReadExactly(-1),
      { name: "RangeError", message: /less than zero/ },
    ],
    ["tryReadExactly(1.5)", (reader) => reader.tryReadExactly(1.5), { name: "RangeError" }],
    [
      "tryReadExactly()",
      (reader) => reader.tryReadExactly(undefined as unknown as number),
      { name: "TypeError", message: /^tryReadExactly size must be a number/ },
    ],
    ['tryReadUntil("")', (reader) => reader.tryReadUntil(""), { name: "RangeError" }],
    ["tryReadUntil([])", (reader) => reader.tryReadUntil([]), { name: "RangeError" }],
    ["tryReadUntil(5)", (reader) => reader.tryReadUntil(5 as unknown as string), { name: "TypeError" }],
  ];
  for (const [name, call, error] of wrong) {
    it(`${name} is refused, and takes nothing`, () => {
      const { reader } = readerWith("abc");
      assert.throws(() => call(reader), error);
      assert.equal(reader.bufferedBytes, 3);
    });
  }

  it("in a loop that empties the buffer resume the transport, once", () => {
    const { reader, transport } = readerWith("ab\n".repeat(10));
    assert.deepEqual(transport.calls, ["pause"]);
    const lines: string[] = [];
    for (let line = reader.tryReadLine(); line !== undefined; line = reader.tryReadLine()) {
      lines.push(String(line));
      assert.deepEqual(transport.calls, reader.bufferedBytes <= 5 ? ["pause", "resume"] : ["pause"]);
    }
    assert.equal(lines.length, 10);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
  });

  it("that give undefined let a paused transport go on, so that the rest can come", () => {
    for (const attempt of [
      (reader: StreamReader) => reader.tryReadExactly(30),
      (reader: StreamReader) => reader.tryReadUntil(`${"x".repeat(29)};`),
      (reader: StreamReader) => (reader.atEof() ? undefined : reader.tryRead()),
    ]) {
      const { reader, transport } = readerWith("x".repeat(20));
      assert.deepEqual(transport.calls, ["pause"]);
      assert.equal(attempt(reader), undefined);
      assert.deepEqual(transport.calls, ["pause", "resume"]);
      assert.equal(attempt(reader), undefined);
      assert.deepEqual(transport.calls, ["pause", "resume"]);
      reader.feedData(Buffer.from("xxxxx"));
      assert.equal(transport.isPaused, true);
      assert.equal(attempt(reader), undefined);
      reader.feedData(Buffer.from("xxxx;"));
      reader.feedEof();
      assert.equal(String(attempt(reader)), `${"x".repeat(29)};`);
    }
  });

  it("alone get a stream of 100 times the limit over a transport that keeps to its pauses", async () => {
    const { near, far } = connectedInMemory(1_000);
    const sent = new Random(7).text(100_000, "abc\n");
    far.writer.write(sent);
    far.writer.writeEof();
    let received = "";
    while (!near.reader.atEof()) {
      const line = near.reader.tryReadLine();
      if (line === undefined) await nextTurn();
      else received += String(line);
    }
    assert.equal(received, sent);
    assert.equal(String(near.reader.tryReadLine()), "");
  });
});

describe("tryRead…() over a socket", () => {
  const cleanup = cleanups();

  it("with an awaited read where they would wait gets all lines of a fast peer", async () => {
    const { connection, peer } = await connectedToSocket(cleanup);
    const { reader } = connection;
    const sent = new Random(8).text(600_000, "abcdefg\n");
    peer.end(sent);
    const lines: Buffer[] = [];
    for (;;) {
      const line = reader.tryReadLine() ?? (await reader.readLine());
      if (line.length === 0) break;
      lines.push(line);
    }
    assert.ok(Buffer.concat(lines).equals(Buffer.from(sent)));
  });
});
