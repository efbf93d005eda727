import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectionResetError, openUnixConnection, startUnixServer } from "asyncio-streams";
import { RedisClient, RedisError, type Reply } from "../../examples/redis-client.js";
import { respServer } from "../../examples/resp-server.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory } from "../support/connections.js";
import { temporaryFolder } from "../support/folders.js";
import { leavesNothing } from "../support/leaks.js";
import { isPending } from "../support/pending.js";
import { runProgram } from "../support/processes.js";

const skip = process.platform === "win32" && "there are no Unix sockets on Windows";

/** What a server sends, and what the caller gets. */
const REPLIES: readonly (readonly [wire: string, reply: Reply])[] = [
  ["+OK\r\n", "OK"],
  ["+\r\n", ""],
  [":0\r\n", 0],
  [":-9007199254740991\r\n", -9007199254740991],
  [":9223372036854775807\r\n", 9223372036854775807n],
  ["$-1\r\n", null],
  ["*-1\r\n", null],
  ["$0\r\n\r\n", Buffer.of()],
  ["$6\r\na\r\n\0\xff\r\r\n", Buffer.from("a\r\n\0\xff\r", "latin1")],
  ["*0\r\n", []],
  [
    "*3\r\n:1\r\n*2\r\n$1\r\na\r\n*1\r\n*-1\r\n-ERR in a list\r\n",
    [1, [Buffer.from("a"), [null]], new RedisError("ERR in a list")],
  ],
  [`${"*1\r\n".repeat(32)}:1\r\n`, JSON.parse(`${"[".repeat(32)}1${"]".repeat(32)}`) as Reply],
];

/** What ends the connection, with a limit of 1 024 bytes for a reply. */
const WRONG: readonly (readonly [wire: string, message: RegExp])[] = [
  ["hello\r\n", /^No reply: hello$/],
  ["\r\n", /^No reply: $/],
  [":\r\n", /^No reply: :$/],
  [":1a\r\n", /^No reply/],
  [":1.5\r\n", /^No reply/],
  ["$-2\r\n", /^No reply/],
  ["$1e9\r\n", /^No reply/],
  ["*-2\r\n", /^No reply/],
  ["$3\r\nabcde", /^A bulk does not end$/],
  ["*1\r\n".repeat(33), /^Lists are nested more than 32 deep$/],
  ["$1024\r\n", /^A reply is above the limit of 1024 bytes$/],
  ["$99999999999999999999999\r\n", /^A reply is above/],
  ["*64\r\n", /^A reply is above/],
  ["*99999999999999999999999\r\n", /^A reply is above/],
  [`*2\r\n$500\r\n${"x".repeat(500)}\r\n$500\r\n`, /^A reply is above/],
  [`+${"x".repeat(1022)}\r\n`, /^A reply is above/],
  [`+${"x".repeat(65_540)}`, /^Separator is not found/],
  ["+OK\r\n+OK\r\n+OK\r\n", /^A reply came that nobody has asked for$/],
];

describe("The example redis-client", () => {
  const cleanup = cleanups();

  function connected(options?: { maxReply: number }) {
    const { near, far, reset } = connectedInMemory();
    cleanup(() => near.writer.transport.abort());
    return { client: new RedisClient(near, options), near, far, reset };
  }

  it("call() gives each kind of reply, however it is cut", async () => {
    for (const [wire, reply] of REPLIES) {
      const { client, far } = connected();
      const calls = [client.call("A"), client.call("B")];
      far.writer.write(Buffer.from(wire, "latin1"));
      assert.deepEqual(await calls[0], reply, wire);
      for (const byte of Buffer.from(wire, "latin1")) {
        far.writer.write(Buffer.of(byte));
        await isPending(calls[1]!);
      }
      assert.deepEqual(await calls[1], reply, wire);
    }
  });

  it("call() sends text, numbers and bytes as they are", async () => {
    const { client, far } = connected();
    client.call("SET", "größe 🙂", Buffer.of(0, 13, 10, 255), -1.5, "", new Uint8Array(3000)).catch(() => {});
    const parts = ["*6\r\n$3\r\nSET\r\n$12\r\ngröße 🙂\r\n$4\r\n", Buffer.of(0, 13, 10, 255)];
    const rest = ["\r\n$4\r\n-1.5\r\n$0\r\n\r\n$3000\r\n", Buffer.alloc(3000), "\r\n"];
    const expected = Buffer.concat([...parts, ...rest].map((part) => Buffer.from(part)));
    assert.deepEqual(await far.reader.readExactly(expected.length), expected);
  });

  it("call() rejects what cannot be sent, and sends nothing of it", async () => {
    const { client, far } = connected();
    await assert.rejects(client.call("SET", "a", null as unknown as string), TypeError);
    const call = client.call("PING");
    assert.deepEqual(await far.reader.readExactly(14), Buffer.from("*1\r\n$4\r\nPING\r\n"));
    far.writer.write("+PONG\r\n");
    assert.equal(await call, "PONG");
  });

  it("call() has many in flight, gives each its reply, and an error to its own command only", async () => {
    const { client, far } = connected();
    const calls = Array.from({ length: 1000 }, (_, index) => client.call("GET", index));
    const settled = Promise.allSettled(calls);
    for (let index = 0; index < 1000; index++) await far.reader.readUntil(`\r\n${index}\r\n`);
    for (let index = 0; index < 1000; index++) {
      far.writer.write(index % 10 === 3 ? `-ERR ${index}\r\n` : `:${index}\r\n`);
    }
    for (const [index, result] of (await settled).entries()) {
      if (index % 10 !== 3) assert.deepEqual(result, { status: "fulfilled", value: index });
      else assert.deepEqual(result, { status: "rejected", reason: new RedisError(`ERR ${index}`) });
    }
  });

  for (const [how, lose] of [
    ["ends", ({ far }: ReturnType<typeof connected>) => far.writer.close()],
    ["is reset", ({ reset }: ReturnType<typeof connected>) => reset()],
  ] as const) {
    it(`call() rejects for all in flight when the connection ${how}, and from then on`, async () => {
      const connection = connected();
      const { client, far } = connection;
      const calls = [client.call("A"), client.call("B"), client.call("C")];
      const settled = Promise.allSettled(calls);
      far.writer.write("+OK\r\n$10\r\nhalf");
      assert.equal(await calls[0], "OK");
      lose(connection);
      const [, second, third] = await settled;
      assert.ok(second?.status === "rejected" && second.reason instanceof ConnectionResetError);
      assert.deepEqual(third, second);
      await assert.rejects(client.call("D"), ConnectionResetError);
      await client.close();
    });
  }

  it("call() rejects for all in flight, and the connection ends, when what comes is no reply or too large", async () => {
    for (const [wire, message] of WRONG) {
      const { client, near, far } = connected({ maxReply: 1024 });
      const calls = [client.call("A"), client.call("B")];
      const settled = Promise.allSettled(calls);
      far.writer.write(wire);
      await near.writer.waitClosed();
      await settled;
      const isAnswered = wire.startsWith("+OK");
      await assert.rejects(isAnswered ? client.call("C") : calls[1]!, { message }, wire);
    }
  });

  it("a reply may have as many bytes as the limit", async () => {
    const { client, far } = connected({ maxReply: 1024 });
    const call = client.call("A");
    far.writer.write(`$1017\r\n${"x".repeat(1017)}\r\n`);
    assert.equal((await call)?.toString(), "x".repeat(1017));
  });

  it("close() refuses new commands, and waits for the replies to those in flight", async () => {
    const { client, far } = connected();
    const calls = [client.call("A"), client.call("B")];
    const closed = client.close();
    await assert.rejects(client.call("C"), { message: "The client is closed" });
    far.writer.write("+one\r\n");
    assert.equal(await calls[0], "one");
    assert.ok(await isPending(closed));
    far.writer.write("-two\r\n");
    await assert.rejects(calls[1]!, RedisError);
    await Promise.all([closed, client.close()]);
    assert.equal((await far.reader.read()).toString(), "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n");
  });

  it("drain() waits while the server reads nothing", async () => {
    const { client, far } = connected();
    client.call("SET", "a", Buffer.alloc(4_000_000)).catch(() => {});
    const drained = client.drain();
    assert.ok(await isPending(drained));
    await far.reader.readExactly(4_000_000);
    await drained;
  });

  it("close() leaves nothing behind", { skip }, async () => {
    await leavesNothing(async (undo) => {
      const path = `${await temporaryFolder(undo)}/s`;
      await using _server = await startUnixServer(respServer(), path);
      const client = new RedisClient(await openUnixConnection(path));
      assert.equal(await client.call("PING"), "PONG");
      await client.close();
    });
  });

  it("as a program sends its arguments as commands, and prints the replies", { skip }, async () => {
    const path = `${await temporaryFolder(cleanup)}/s`;
    const server = await startUnixServer(respServer(), path);
    cleanup(() => server[Symbol.asyncDispose]());
    const commands = ["SET a 1", "INCR a", "GET a", "GET b", "NONE", "CONFIG GET save"];
    const program = runProgram(cleanup, "examples/redis-client.js", [path, ...commands]);
    assert.deepEqual(await program.finish(), {
      lines: ["OK", "2", '"2"', "null", "(Error: ERR unknown command 'NONE')", '["save", ""]'],
      errors: "",
      status: 0,
    });
  });
});
