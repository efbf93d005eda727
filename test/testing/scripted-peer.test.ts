import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startServer, openConnection, type Connection } from "asyncio-streams";
import {
  VirtualClock,
  anyBytes,
  playScript,
  ScriptError,
  scriptedPeer,
  type ScriptedPeerOptions,
  type ScriptStep,
} from "asyncio-streams/testing";
import { portOf } from "../support/addresses.js";
import { leavesNothing } from "../support/leaks.js";
import { isPending, turns } from "../support/turns.js";

/** The code under test: greets nobody, says what it is told to, line by line, and closes. */
function says(...lines: string[]): (connection: Connection) => Promise<void> {
  return async ({ reader, writer }) => {
    await reader.readLine();
    for (const line of lines) {
      writer.write(line);
      await reader.readLine();
    }
    writer.close();
    await writer.waitClosed();
  };
}

const QUIT: readonly ScriptStep[] = [
  { send: "220 hi\r\n" },
  { expect: "NOOP\r\n" },
  { send: "250 ok\r\n" },
  { expect: "QUIT\r\n" },
  { send: "221 bye\r\n" },
  "close",
];

async function failure(
  script: readonly ScriptStep[],
  client: (connection: Connection) => unknown,
  options: ScriptedPeerOptions = { timeout: 20 },
): Promise<ScriptError> {
  const peer = scriptedPeer(script, options);
  await Promise.resolve(client(peer.connection)).catch(() => {});
  const error: unknown = await peer.done.then(
    () => assert.fail("the script is through"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ScriptError, String(error));
  return error;
}

describe("scriptedPeer()", () => {
  it("is done when the other end has done what the script expects", async () => {
    const peer = scriptedPeer(QUIT);
    await says("NOOP\r\n", "QUIT\r\n")(peer.connection);
    await peer.done;
  });

  it("does not mind how bytes are cut, or that they come early", async () => {
    const peer = scriptedPeer(QUIT);
    const { reader, writer } = peer.connection;
    for (const piece of ["NO", "OP\r", "\nQU", "IT\r\n"]) {
      writer.write(piece);
      await turns(1);
    }
    assert.equal((await reader.read()).toString(), "220 hi\r\n250 ok\r\n221 bye\r\n");
    await peer.done;
  });

  const WRONG: readonly [what: string, lines: readonly string[], step: number, message: RegExp][] = [
    [
      "a wrong byte",
      ["NOOP\r\n", "QUiT\r\n"],
      4,
      /^Step 4 of 6, expect "QUIT\\r\\n": byte 2 is 0x69 "i", not 0x49 "I"\n/,
    ],
    [
      "a missing byte",
      ["NOP\r\n", "QUIT\r\n"],
      2,
      /^Step 2 of 6, .*byte 2 is 0x50 "P", not 0x4f "O", as if one were missing\n/,
    ],
    [
      "an extra byte",
      ["NOOOP\r\n", "QUIT\r\n"],
      2,
      /byte 3 is 0x4f "O", not 0x50 "P", as if it had slipped in\n/,
    ],
    [
      "a byte behind",
      ["NOOP\r\n\n", "QUIT\r\n"],
      4,
      /byte 0 is 0x0a "\\n", not 0x51 "Q", as if it had slipped in\n/,
    ],
    ["the wrong order", ["QUIT\r\n", "NOOP\r\n"], 2, /\nThis is what step 4 expects\.\n/],
    [
      "an early end",
      ["NOOP\r\n"],
      4,
      /^Step 4 of 6, .*: the other end sends nothing more, after 0 of 6 bytes\n/,
    ],
    [
      "too much at the end",
      ["NOOP\r\n", "QUIT\r\nQUIT\r\n"],
      6,
      /^Step 6 of 6, close: 6 bytes came that the script does not expect: "QUIT\\r\\n"\n/,
    ],
    ["half a message", ["NOOP\r\n", "QUI"], 4, /nothing more happened for 20 ms, after 3 of 6 bytes\n/],
  ];
  for (const [what, lines, step, message] of WRONG) {
    it(`fails for ${what}, and says which step and why`, async () => {
      const error = await failure(QUIT, says(...lines));
      assert.equal(error.step, step);
      assert.equal(error.code, "ERR_SCRIPT");
      assert.match(error.message, message);
      const marked = error.message.split("\n").filter((line) => line.startsWith("> "));
      assert.deepEqual(marked, [marked[0]]);
      assert.match(marked[0]!, new RegExp(`^> +${step}  `));
    });
  }

  it("shows expected and received bytes in hex and text, with the difference marked", async () => {
    const expected =
      "MAIL FROM:<someone@example.org> SIZE=12345 and much more than that, to fill the rows\r\n";
    const received = expected.replace("SIZE=12345", "SIZE=12435");
    const error = await failure([{ expect: expected }], ({ writer }) => writer.write(received));
    assert.equal(
      error.message,
      `Step 1 of 1, expect "MAIL FROM:<someone@example.org> SIZE=12345 and much more th… (86 bytes): byte 39 is 0x34 "4", not 0x33 "3"
  … 16 bytes the same
  both          16  6e 65 40 65 78 61 6d 70 6c 65 2e 6f 72 67 3e 20   ne@example.org>
  expected      32  53 49 5a 45 3d 31 32 33 34 35 20 61 6e 64 20 6d   SIZE=12345 and m
  received      32  53 49 5a 45 3d 31 32 34 33 35 20 61 6e 64 20 6d   SIZE=12435 and m
                                         ^^                                  ^
  expected      48  75 63 68 20 6d 6f 72 65 20 74 68 61 6e 20 74 68   uch more than th
  received      48  75 63 68 20 6d 6f 72 65 20 74 68 61 6e 20 74 68   uch more than th

the script:
>    1  expect "MAIL FROM:<someone@example.org> SIZE=12345 and much more th… (86 bytes)`,
    );
    assert.equal(error.received.toString(), received);
  });

  it("resets the connection when it fails, with the ScriptError as the cause", async () => {
    const peer = scriptedPeer(QUIT);
    const { reader, writer } = peer.connection;
    writer.write("NOPE");
    assert.equal((await reader.readLine()).toString(), "220 hi\r\n");
    await assert.rejects(reader.readLine(), (error: Error) => {
      assert.equal(error.name, "ConnectionResetError");
      assert.match(error.message, /^Connection reset by peer: its script has failed\. Step 2 of 6/);
      assert.ok(error.cause instanceof ScriptError);
      return true;
    });
    await assert.rejects(peer.done, ScriptError);
  });

  it("takes a script that does not end the connection for through when the other end does", async () => {
    const peer = scriptedPeer([{ expect: "a" }, { send: "b" }]);
    peer.connection.writer.write("a");
    assert.equal((await peer.connection.reader.read(1)).toString(), "b");
    assert.ok(await isPending(peer.done));
    peer.connection.writer.close();
    await peer.done;
  });

  it("fails for a byte behind the last step, and for an end that does not come", async () => {
    const script = [{ expect: "a" }];
    const excess = await failure(script, ({ writer }) => (writer.write("ab"), writer.close()));
    assert.match(
      excess.message,
      /^After the last of 1 step: 1 byte came that the script does not expect: "b"\n/,
    );
    assert.match(excess.message, /\n> the end$/);
    assert.equal(excess.step, 2);
    const open = await failure(script, ({ writer }) => writer.write("a"));
    assert.match(
      open.message,
      /^After the last of 1 step: .* for 20 ms: the other end has not closed the connection/,
    );
  });

  it("ends as the last step says", async () => {
    const read = async (last: ScriptStep) => {
      const peer = scriptedPeer([{ send: "a" }, last]);
      await peer.done;
      const { reader, writer } = peer.connection;
      const bytes = await reader.read(1);
      const rest = await Promise.race([
        reader.read().then(
          (more) => `end after ${more.length}`,
          (error: Error) => error.name,
        ),
        turns(3).then(() => "open"),
      ]);
      writer.transport.abort();
      return `${bytes.toString()}, ${rest}`;
    };
    assert.equal(await read("close"), "a, end after 0");
    assert.equal(await read("reset"), "a, ConnectionResetError");
    assert.equal(await read("leave open"), "a, open");
  });

  it("fails for bytes that came before a connection is left open", async () => {
    const error = await failure([{ expect: "a" }, "leave open"], ({ writer }) => writer.write("ab"));
    assert.match(error.message, /^Step 2 of 2, leave open: 1 byte came/);
  });

  it("sees bytes that the other end sends right behind its last answer", async () => {
    const error = await failure([{ expect: "a" }, "close"], async ({ writer }) => {
      writer.write("a");
      for (let step = 0; step < 8; step++) await Promise.resolve();
      writer.write("b");
    });
    assert.match(error.message, /^Step 2 of 2, close: 1 byte came/);
  });

  it("rejects nothing that a test has not asked for", async () => {
    const { connection } = scriptedPeer([{ expect: "a" }, "close"]);
    connection.writer.write("b");
    await assert.rejects(connection.reader.read(), { name: "ConnectionResetError" });
    await turns(2);
  });

  it("ends one direction, and expects the end of the other", async () => {
    const script: ScriptStep[] = [{ send: "a" }, "send eof", { expect: "b" }, "expect eof", "close"];
    const peer = scriptedPeer(script);
    const { reader, writer } = peer.connection;
    assert.equal((await reader.read()).toString(), "a");
    writer.write("b");
    writer.writeEof();
    await peer.done;
    const error = await failure(
      script,
      (connection) => (connection.writer.write("bc"), connection.writer.writeEof()),
    );
    assert.match(error.message, /^Step 4 of 5, expect eof: 1 byte came/);
  });

  it("holds a RegExp against one line, without its end", async () => {
    const script: ScriptStep[] = [{ expect: /^EHLO \S+$/ }, { expect: /^é$/ }, "close"];
    const peer = scriptedPeer(script);
    peer.connection.writer.write("EHLO me\r\né\n");
    await peer.done;
    const wrong = await failure(script, ({ writer }) => writer.write("HELO me\r\n"));
    assert.match(wrong.message, /^Step 1 of 3, expect \/\^EHLO \\S\+\$\/: the line is "HELO me"\n/);
    const cut = await failure(script, ({ writer }) => (writer.write("EHLO me"), writer.close()));
    assert.match(cut.message, /the other end sends nothing more, and "\\n" is not in what has come\n/);
  });

  it("takes any bytes where the script says anyBytes, up to what is behind", async () => {
    const script: ScriptStep[] = [
      { expect: ["DATE ", anyBytes, "\r\n"] },
      { expect: ["ID ", anyBytes] },
      "close",
    ];
    const peer = scriptedPeer(script);
    peer.connection.writer.write("DATE to\rday\r\nID 12\r\n");
    await peer.done;
    const error = await failure(script, ({ writer }) => writer.write("DATA x\r\n"));
    assert.match(
      error.message,
      /^Step 1 of 3, expect "DATE " <any bytes> "\\r\\n": byte 3 is 0x41 "A", not 0x45 "E"\n/,
    );
    const none = await failure(script, ({ writer }) => (writer.write("DATE x\r\nID "), writer.close()));
    assert.match(none.message, /^Step 2 of 3, .*: the other end sends nothing more, and no byte has come\n/);
  });

  it("sends in pieces, each a chunk of its own", async () => {
    const peer = scriptedPeer([{ send: "abcdefg", pieces: 3 }, "close"]);
    const chunks: string[] = [];
    for (let chunk = ""; chunk !== "" || chunks.length === 0;) {
      chunk = (await peer.connection.reader.read(100)).toString();
      chunks.push(chunk);
      for (let step = 0; step < 20; step++) await Promise.resolve();
    }
    assert.deepEqual(chunks, ["abc", "def", "g", ""]);
    await peer.done;
  });

  it("waits on its clock, as its limits do", async () => {
    const clock = new VirtualClock();
    const peer = scriptedPeer([{ wait: 3_600_000 }, { send: "a" }, { expect: "b" }], {
      clock,
      timeout: 60_000,
    });
    await clock.advance(3_599_999);
    assert.equal(peer.connection.reader.bufferedBytes, 0);
    await clock.advance(1);
    assert.equal(peer.connection.reader.bufferedBytes, 1);
    await clock.advance(59_999);
    assert.ok(await isPending(peer.done));
    await clock.advance(1);
    await assert.rejects(
      peer.done,
      /Step 3 of 3, expect "b": nothing more happened for 60000 ms, after 0 of 1 bytes?\n/,
    );
    assert.equal(clock.pending, 0);
  });

  it("waits for ever with a timeout of Infinity, and sets no timer", async () => {
    const clock = new VirtualClock();
    const peer = scriptedPeer([{ expect: "a" }, "close"], { clock, timeout: Infinity });
    await turns(1);
    assert.equal(clock.pending, 0);
    peer.connection.writer.write("a");
    await peer.done;
  });

  it("fails when the other end does not read, or goes, while it sends", async () => {
    const script: ScriptStep[] = [{ send: "abcdef" }, "close"];
    const silent = await failure(script, () => {}, { timeout: 20, capacity: 4 });
    assert.match(
      silent.message,
      /^Step 1 of 2, send "abcdef": nothing more happened for 20 ms, and not all of it has gone\n/,
    );
    const gone = await failure(script, ({ writer }) => writer.close(), { timeout: 20, capacity: 4 });
    assert.match(
      gone.message,
      /^Step 1 of 2, .*: the connection was lost \(BrokenPipeError: Broken pipe\), and not all/,
    );
    assert.equal((gone.cause as Error).name, "BrokenPipeError");
  });

  it("says so when the script itself cannot be", async () => {
    const error = await failure(["send eof", { send: "a" }], () => {});
    assert.match(error.message, /^Step 2 of 2, send "a": Cannot call write\(\) after writeEof\(\)\n/);
  });

  it("refuses a wrong script and wrong options, with the number of the step", () => {
    const WRONG: readonly [script: unknown, error: RegExp][] = [
      ["close", /^TypeError: A script must be a list of steps, not string "close"$/],
      [
        ["end"],
        /^TypeError: step 1 of the script must be an object with one of send, expect, wait, or one of "send eof"/,
      ],
      [[{ send: "a", expect: "b" }], /^TypeError: step 1 of the script must be an object with one of/],
      [[{ send: 1 }], /^TypeError: send of step 1 of the script must be bytes or a string, not number 1$/],
      [[{ expect: 1 }], /^TypeError: expect of step 1 of the script must be .*, not number 1$/],
      [[{ expect: "" }], /^RangeError: expect of step 1 of the script must have at least one byte$/],
      [[{ expect: [] }], /^RangeError: expect of step 1 of the script must have at least one byte$/],
      [[{ expect: ["a", 1] }], /^TypeError: expect of step 1 of the script must be .*, not number 1$/],
      [[{ expect: "a", pieces: 1 }], /^TypeError: step 1 of the script has an unexpected "pieces"$/],
      [[{ send: "a", pieces: 0 }], /^RangeError: pieces of step 1 of the script/],
      [[{ wait: -1 }], /^RangeError: wait of step 1 of the script/],
      [["close", { send: "a" }], /^RangeError: step 1 of the script, close, must be the last one$/],
    ];
    for (const [script, error] of WRONG) assert.throws(() => scriptedPeer(script as ScriptStep[]), error);
    assert.throws(() => scriptedPeer([], { timeout: 0 }), RangeError);
    assert.throws(() => scriptedPeer([], { capacity: 0 }), RangeError);
    assert.throws(() => scriptedPeer([], { clocks: 1 } as never), TypeError);
  });
});

describe("playScript()", () => {
  it("plays on the end of a real connection, and leaves nothing behind", async () => {
    await leavesNothing(async (cleanup) => {
      let played: Promise<void> | undefined;
      const server = await startServer(
        (reader, writer) => {
          played = playScript({ reader, writer }, QUIT);
        },
        "127.0.0.1",
        0,
      );
      cleanup(() => server[Symbol.asyncDispose]());
      await says("NOOP\r\n", "QUIT\r\n")(await openConnection("127.0.0.1", portOf(server)));
      await played;
    });
  });

  it("aborts the connection when it fails", async () => {
    await leavesNothing(async (cleanup) => {
      let played: Promise<void> | undefined;
      const server = await startServer(
        (reader, writer) => {
          played = playScript({ reader, writer }, QUIT);
          played.catch(() => {});
        },
        "127.0.0.1",
        0,
      );
      cleanup(() => server[Symbol.asyncDispose]());
      const { reader, writer } = await openConnection("127.0.0.1", portOf(server));
      writer.write("NOPE\r\n");
      await reader.read().catch(() => {});
      writer.close();
      await writer.waitClosed().catch(() => {});
      await assert.rejects(played!, ScriptError);
    });
  });
});
