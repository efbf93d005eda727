import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openConnection, startServer, type Connection } from "asyncio-streams";
import {
  parseTranscript,
  recordWire,
  replayWire,
  streamPair,
  TranscriptError,
  type ScriptStep,
} from "asyncio-streams/testing";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeSelfSigned } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { turns } from "../support/turns.js";

type End = Pick<Connection, "reader" | "writer">;

/** A server that greets, takes a password and a message, and gives a token. */
async function mailServer({ reader, writer }: End): Promise<void> {
  writer.write("220 hi\r\n");
  for await (const bytes of reader) {
    const line = bytes.toString().trimEnd();
    if (line === "DATA") {
      writer.write("354 go on\r\n");
      await reader.readUntil("\r\n.\r\n");
      writer.write("250 token=T-1234\r\n");
    } else if (line === "QUIT") {
      writer.write("221 bye\r\n");
      break;
    } else writer.write("250 ok\r\n");
    await writer.drain();
  }
  writer.close();
}

async function mailClient({ reader, writer }: End, password = "hunter2"): Promise<string> {
  let last = (await reader.readLine()).toString();
  for (const line of [
    "EHLO me\r\n",
    `PASS ${password}\r\n`,
    "DATA\r\n",
    "Hé!\r\n\r\nText\r\n.\r\n",
    "QUIT\r\n",
  ]) {
    for (const piece of [line.slice(0, 7), line.slice(7)]) {
      writer.write(piece);
      await writer.drain();
    }
    last = (await reader.readLine()).toString();
  }
  writer.close();
  await writer.waitClosed();
  return last;
}

const MASKS = [/(?<=PASS )\S+/, "T-1234"];

const MAIL = `wire transcript 1
< "220 hi\\r\\n"
> "EHLO me\\r\\n"
< "250 ok\\r\\n"
> "PASS " <secret> "\\r\\n"
< "250 ok\\r\\n"
> "DATA\\r\\n"
< "354 go on\\r\\n"
> "Hé!\\r\\n"
> "\\r\\n"
> "Text\\r\\n"
> ".\\r\\n"
< "250 token=" <secret> "\\r\\n"
> "QUIT\\r\\n"
< "221 bye\\r\\n"
`;

describe("recordWire()", () => {
  const cleanup = cleanups();

  async function record(
    serve: (end: End) => unknown,
    client: (end: Connection) => Promise<unknown>,
    masks: Parameters<typeof recordWire>[1] = {},
  ): Promise<string> {
    const server = await startServer((reader, writer) => serve({ reader, writer }), "127.0.0.1", 0);
    cleanup(() => server[Symbol.asyncDispose]());
    const recording = recordWire(await openConnection("127.0.0.1", portOf(server)), masks);
    await client(recording.connection);
    return recording.transcript();
  }

  it("notes a conversation with a real server as text, without its secrets", async () => {
    const transcript = await record(mailServer, mailClient, { masks: MASKS });
    assert.equal(transcript.replace(/(< eof\n)?> close\n|< eof\n$/, ""), MAIL);
  });

  it("is replayed to the same code, whatever stands for a secret", async () => {
    const transcript = await record(mailServer, mailClient, { masks: MASKS });
    const peer = replayWire(transcript);
    assert.equal(await mailClient(peer.connection, "quite another one"), "221 bye\r\n");
    await peer.done;
  });

  it("notes binary bytes as hex, and is replayed to the same code", async () => {
    const data = patternBytes(1_000);
    const client = async ({ reader, writer }: Connection) => {
      writer.write(data);
      writer.writeEof();
      const answer = await reader.read();
      writer.close();
      await writer.waitClosed();
      return answer;
    };
    const transcript = await record(async ({ reader, writer }) => {
      writer.write((await reader.read()).toReversed());
      writer.close();
    }, client);
    assert.match(transcript, /^wire transcript 1\n> hex( [0-9a-f]{2}){16}\n/);
    assert.match(transcript, /\n> eof\n< /);
    const peer = replayWire(transcript);
    assert.deepEqual(await client(peer.connection), Buffer.from(data.toReversed()));
    await peer.done;
    const other = replayWire(transcript);
    const wrong = async () => {
      other.connection.writer.write(data.subarray(0, 500));
      other.connection.writer.write(data.subarray(501));
      await other.connection.reader.read();
    };
    await assert.rejects(wrong(), { name: "ConnectionResetError" });
    await assert.rejects(other.done, /Step 32 of \d+ \(line 33\), .*as if one were missing\n/);
  });

  it("plays the client to a server, when the server's end was recorded", async () => {
    const [near, far] = streamPair();
    const recording = recordWire(far);
    await Promise.all([mailClient(near), mailServer(recording.connection)]);
    const peer = replayWire(recording.transcript());
    await mailServer(peer.connection);
    await peer.done;
  });

  it("gives the connection that it was given, and does not change what it does", async () => {
    const [near, far] = streamPair({ capacity: 4 });
    const { connection } = recordWire(near);
    assert.equal(connection, near);
    assert.throws(() => near.writer.write(1 as never), TypeError);
    near.writer.write("12345");
    const drained = near.writer.drain();
    assert.equal((await far.reader.readExactly(5)).toString(), "12345");
    await drained;
    near.writer.writeEof();
    assert.throws(() => near.writer.write("x"), { name: "InvalidStateError" });
  });

  it("notes no write that was refused or dropped, and each end once", async () => {
    const [near, far] = streamPair();
    const { transcript } = recordWire(near);
    near.writer.writeLines(["a", "b"].values());
    assert.throws(() => near.writer.writeLines(["c", 1 as never]), TypeError);
    near.writer.writeEof();
    near.writer.writeEof();
    assert.throws(() => near.writer.write("d"));
    far.writer.write("answer");
    await turns(1);
    near.writer.close();
    near.writer.transport.abort();
    await near.writer.waitClosed();
    assert.equal(transcript(), `wire transcript 1\n> "ab"\n> eof\n< "answer"\n> close\n`);
  });

  it("notes nothing after close()", async () => {
    const [near, far] = streamPair();
    const { transcript } = recordWire(near);
    near.writer.close();
    near.writer.write("dropped");
    near.writer.writeLines(["too"]);
    near.writer.writeEof();
    far.writer.write("unread");
    await near.writer.waitClosed();
    assert.equal(transcript(), "wire transcript 1\n> close\n");
  });

  it("begins with what nobody has read yet, and copies what it notes", async () => {
    const [near, far] = streamPair();
    far.writer.write("early");
    await turns(1);
    const { transcript } = recordWire(near);
    const data = Buffer.from("abc");
    near.writer.write(data);
    data.fill("x");
    (await near.reader.read(5)).fill("y");
    assert.equal(transcript(), `wire transcript 1\n< "early"\n> "abc"\n`);
  });

  it("notes a reset, an abort and plain bytes over TLS", async () => {
    const [near, far] = streamPair();
    const { transcript } = recordWire(near);
    const { cert, key } = makeSelfSigned();
    await Promise.all([
      near.writer.startTls({ ca: cert, servername: "localhost" }),
      far.writer.startTls({ cert, key }),
    ]);
    near.writer.write("in secret\n");
    await far.reader.readLine();
    near.writer.transport.abort();
    assert.equal(
      transcript(),
      `wire transcript 1\n# TLS from here on\n> "in secret\\n"\n# aborted\n> close\n`,
    );

    const reset = replayWire("wire transcript 1\n< reset");
    const recording = recordWire(reset.connection);
    await assert.rejects(reset.connection.reader.read(), { name: "ConnectionResetError" });
    assert.equal(
      recording.transcript(),
      "wire transcript 1\n# ConnectionResetError: Connection reset by peer\n< reset\n",
    );
  });

  it("hides secrets that lie across chunks and across answers", async () => {
    const [near, far] = streamPair();
    const { transcript } = recordWire(near, {
      masks: ["top.secret", Buffer.from([0xff, 0x00]), /(?<=key=)[a-f0-9]{4}/],
    });
    near.writer.write("a top.se");
    await far.reader.read(100);
    far.writer.write("go on\n");
    await near.reader.readLine();
    for (const piece of [
      "cret b topXsecret",
      "\nkey=a",
      "b",
      "cdef\n",
      Buffer.from([1, 0xff]),
      Buffer.from([0, 2, 0xff]),
    ]) {
      near.writer.write(piece);
      await turns(1);
    }
    assert.equal(
      transcript(),
      `wire transcript 1
> "a " <secret>
< "go on\\n"
> <secret> " b topXsecret\\n"
> "key=" <secret> "ef\\n"
> hex 01
> <secret> hex 02 ff
`,
    );
  });

  it("hides secrets that touch or overlap as one, in whatever order the masks stand", async () => {
    const [near] = streamPair();
    const { transcript } = recordWire(near, { masks: ["z", "bcd", /abc/i, /x*/] });
    near.writer.write("a z bcd ABCDe xxz");
    assert.equal(
      transcript(),
      `wire transcript 1\n> "a " <secret> " " <secret> " " <secret> "De " <secret>\n`,
    );
  });

  it("refuses what is no connection, and wrong masks", () => {
    const [near] = streamPair();
    assert.throws(() => recordWire({} as never), TypeError);
    assert.throws(() => recordWire(near, { masks: [""] }), RangeError);
    assert.throws(() => recordWire(near, { masks: [1 as never] }), TypeError);
    assert.throws(() => recordWire(near, { masks: "a" as never }), TypeError);
    assert.throws(() => recordWire(near, { mask: [] } as never), TypeError);
  });
});

describe("replayWire()", () => {
  it("shows how the code differs from an edited transcript, with its line", async () => {
    const edited = MAIL.replace("EHLO me", "EHLO you");
    const peer = replayWire(edited);
    await assert.rejects(mailClient(peer.connection), { name: "ConnectionResetError" });
    await assert.rejects(peer.done, (error: Error) => {
      const expected = `Step 2 of 15 (line 3), expect "EHLO you\\r\\n": byte 5 is 0x6d "m", not 0x79 "y"
  expected       0  45 48 4c 4f 20 79 6f 75 0d 0a                     EHLO you..
  received       0  45 48 4c 4f 20 6d 65 0d 0a                        EHLO me..
                                   ^^                                      ^
`;
      assert.equal(error.message.slice(0, expected.length), expected);
      return true;
    });
  });

  it("fails for a line that was taken out of the transcript, and for one that was added", async () => {
    const without = replayWire(MAIL.replace(`> "Text\\r\\n"\n`, ""));
    await mailClient(without.connection).catch(() => {});
    await assert.rejects(without.done, /\(line 11\), expect "\.\\r\\n": byte 0 is 0x54 "T"/);
    const added = replayWire(`${MAIL}> "RSET\\r\\n"\n> close\n`);
    await mailClient(added.connection).catch(() => {});
    await assert.rejects(added.done, /\(line 16\), expect "RSET\\r\\n": the other end sends nothing more/);
  });

  it("leaves the connection open where the transcript does", async () => {
    const peer = replayWire(`wire transcript 1\n> "a"\n< "b"\n`);
    peer.connection.writer.write("a");
    assert.equal((await peer.connection.reader.read(1)).toString(), "b");
    await peer.done;
    assert.equal(peer.connection.reader.atEof(), false);
  });

  it("takes what is in the place of a mask at the end of a line, up to the next one", async () => {
    const peer = replayWire(`wire transcript 1\n> "PASS " <secret>\n> "\\r\\n"\n> close`);
    peer.connection.writer.write("PASS a b c\r\n");
    peer.connection.writer.close();
    await peer.done;
  });
});

describe("parseTranscript()", () => {
  it("gives the script of the other side", () => {
    const transcript = `# how it went\n\n  wire transcript 1\r\n< "a" hex 00 FF <x>\n>   "b\\u0000"\n#> "c"\n> eof\n< eof\n`;
    assert.deepEqual(parseTranscript(transcript), [
      { send: Buffer.from("a\0\xff<x>", "latin1"), name: "line 4" },
      { expect: ["b\0"], name: "line 5" },
      "expect eof",
      "send eof",
    ] satisfies ScriptStep[]);
  });

  const WRONG: readonly [text: string, line: number, problem: RegExp][] = [
    ["", 1, /"wire transcript 1" must stand first/],
    [`# x\n> "a"`, 2, /"wire transcript 1" must stand first/],
    ["wire transcript 2", 1, /must stand first/],
    [`wire transcript 1\n\nEHLO`, 3, /"> …", "< …" or "# …" was expected, not EHLO/],
    ["wire transcript 1\n> EHLO", 2, /a string in quotes.* was expected at EHLO/],
    [`wire transcript 1\n> "a`, 2, /was expected at "a/],
    [`wire transcript 1\n> "a" b`, 2, /was expected at b/],
    [`wire transcript 1\n> "\\x00"`, 2, /"\\x00" is no string of JSON/],
    ["wire transcript 1\n> hex 0", 2, /was expected at hex 0/],
    ["wire transcript 1\n> hex 00 1", 2, /was expected at/],
    ["wire transcript 1\n>", 2, /was expected/],
  ];
  for (const [text, line, problem] of WRONG) {
    it(`says what is wrong in line ${line} of ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseTranscript(text),
        (error: unknown) => {
          assert.ok(error instanceof TranscriptError);
          assert.equal(error.line, line);
          assert.match(error.message, new RegExp(`^Line ${line} of the transcript: .*${problem.source}`));
          return true;
        },
      );
    });
  }
});
