import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { respServer } from "../../examples/resp-server.js";
import { cleanups } from "../support/cleanup.js";
import { countCalls } from "../support/count-calls.js";
import { connectedInMemory, connectedToSocket } from "../support/connections.js";
import { settleDown } from "../support/pending.js";

const MIB = 1_048_576;

/** Commands of one conversation, and their replies. */
const TALK: readonly (readonly [command: string, reply: string])[] = [
  ["PING", "+PONG"],
  ["ping hello", "$5\r\nhello"],
  ["ECHO größe", "$7\r\ngröße"],
  ["GET a", "$-1"],
  ["SET a 41", "+OK"],
  ["INCR a", ":42"],
  ["GET a", "$2\r\n42"],
  ["INCR new", ":1"],
  ["SET a -1", "+OK"],
  ["INCR a", ":0"],
  ["SET a x", "+OK"],
  ["INCR a", "-ERR value is not an integer or out of range"],
  ["SET a 9223372036854775806", "+OK"],
  ["INCR a", ":9223372036854775807"],
  ["INCR a", "-ERR value is not an integer or out of range"],
  ["SET b 1", "+OK"],
  ["EXISTS a b b c", ":3"],
  ["DEL a b b c", ":2"],
  ["EXISTS a b", ":0"],
  ["CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n"],
  ["COMMAND DOCS", "*0"],
  ["INFO", "$35\r\n# Server\r\nserver_name:resp-server\r\n"],
  ["GET", "-ERR wrong number of arguments for 'GET'"],
  ["SET a 1 EX 5", "-ERR wrong number of arguments for 'SET'"],
  ["toString", "-ERR unknown command 'TOSTRING'"],
  ["x".repeat(200), `-ERR unknown command '${"X".repeat(100)}'`],
  ["QUIT", "+OK"],
];

/** What is no command, and what the server says before it ends the connection. */
const HOSTILE: readonly (readonly [input: string, reply: RegExp])[] = [
  ["*1025\r\n", /invalid multibulk length/],
  ["*99999999999999999999\r\n", /invalid multibulk length/],
  ["*-2\r\n", /invalid multibulk length/],
  ["*x\r\n", /invalid multibulk length/],
  ["*1\n", /invalid multibulk length/],
  ["*1\r\n$1048577\r\n", /invalid bulk length/],
  ["*1\r\n$99999999999999999999\r\n", /invalid bulk length/],
  ["*1\r\n$-1\r\n", /invalid bulk length/],
  ["*1\r\n$1x\r\n", /invalid bulk length/],
  ["*1\r\nPING\r\n", /invalid bulk length/],
  [`*2\r\n$1048576\r\n${"x".repeat(MIB)}\r\n$1\r\n`, /invalid bulk length/],
  ["*1\r\n$4\r\nPINGxx", /a bulk does not end/],
  ["x".repeat(70_000), /chunk exceed the limit/],
  [`*1\r\n$${"1".repeat(70_000)}`, /chunk exceed the limit/],
];

describe("The example resp-server", () => {
  const cleanup = cleanups();

  /** A client's end, and what becomes of the server's. */
  function connect(serve = respServer()) {
    const { near, far } = connectedInMemory();
    cleanup(() => far.writer.transport.abort());
    const served = serve(near.reader, near.writer).finally(() => near.writer.close());
    return { reader: far.reader, writer: far.writer, near, served };
  }

  for (const [how, encode] of [
    ["a list of bulks", (command: string) => asBulks(command.split(" "))],
    ["words on a line", (command: string) => `  ${command.replaceAll(" ", "\t ")}\r\n`],
    ["words on a line that ends with LF alone", (command: string) => `${command}\n`],
  ] as const) {
    it(`answers each command, as ${how}`, async () => {
      const { reader, writer, served } = connect();
      for (const [command, reply] of TALK) {
        writer.write(encode(command));
        const expected = Buffer.from(`${reply}\r\n`);
        assert.equal((await reader.readExactly(expected.length)).toString(), expected.toString(), command);
      }
      assert.equal((await reader.read()).length, 0);
      await served;
    });
  }

  it("keeps keys and values of any bytes", async () => {
    const { reader, writer } = connect();
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const [head, key] = [
      Buffer.from("*3\r\n$3\r\nSET\r\n$2\r\n\xff\0\r\n$256\r\n", "latin1"),
      "$2\r\n\xff\0\r\n",
    ];
    writer.writeLines([head, all, "\r\n", "*2\r\n$3\r\nGET\r\n", Buffer.from(key, "latin1")]);
    assert.equal((await reader.readExactly(5)).toString(), "+OK\r\n");
    assert.deepEqual(
      await reader.readExactly(264),
      Buffer.concat([Buffer.from("$256\r\n"), all, Buffer.from("\r\n")]),
    );
  });

  it("passes over empty commands", async () => {
    const { reader, writer } = connect();
    writer.write("\r\n\n   \r\n*0\r\n*-1\r\nPING\r\n");
    assert.equal((await reader.readExactly(7)).toString(), "+PONG\r\n");
  });

  it("answers what is no command with an error, and ends the connection", async () => {
    for (const [input, reply] of HOSTILE) {
      const { reader, writer, served } = connect();
      writer.write(`PING\r\n${input}`);
      const [pong, error, ...rest] = (await reader.read()).toString().split("\r\n");
      assert.deepEqual([pong, rest], ["+PONG", [""]], input.slice(0, 40));
      assert.match(error!, /^-ERR Protocol error: /);
      assert.match(error!, reply, input.slice(0, 40));
      await served;
    }
  });

  it("takes a command of as many arguments and bytes as it may have", async () => {
    const { reader, writer } = connect();
    writer.write(asBulks(["EXISTS", ...Array.from({ length: 1023 }, () => "none")]));
    assert.equal((await reader.readLine()).toString(), ":0\r\n");
    writer.write(asBulks(["SET", "k", "x".repeat(MIB - 4)]));
    assert.equal((await reader.readLine()).toString(), "+OK\r\n");
  });

  it("answers in one line, whatever line ends a command smuggles into it", async () => {
    const { reader, writer } = connect();
    writer.write("*1\r\n$7\r\nA\r\n+OK\n\r\nPING\r\n");
    assert.equal((await reader.readLine()).toString(), "-ERR unknown command 'A  +OK '\r\n");
    assert.equal((await reader.readLine()).toString(), "+PONG\r\n");
  });

  it("ends without a word when a command is cut off", async () => {
    for (const input of ["PIN", "*1\r\n$4\r\nPI", "*2\r\n$4\r\nPING\r\n$4\r\nPING"]) {
      const { reader, writer, served } = connect();
      writer.write(input);
      writer.writeEof();
      assert.equal((await reader.read()).toString(), "", input);
      await served;
    }
  });

  it("does not store more than 64 MiB in all, and counts what is replaced or deleted no more", async () => {
    const serve = respServer();
    const { reader, writer } = connect(serve);
    const value = "x".repeat(MIB - 100);
    const ask = async (...words: string[]) => {
      writer.write(asBulks(words));
      return (await reader.readLine()).toString().trimEnd();
    };
    for (let key = 0; key < 63; key++) assert.equal(await ask("SET", `${key}`, value), "+OK");
    for (let time = 0; time < 3; time++) assert.equal(await ask("SET", "0", value), "+OK");
    const full = "-OOM command not allowed, the server is full";
    assert.equal(await ask("SET", "63", value), full);
    assert.equal(await ask("DEL", "0"), ":1");
    assert.equal(await ask("SET", "63", value), "+OK");
    const { reader: others, writer: other } = connect(serve);
    other.write(asBulks(["SET", "64", value]));
    assert.equal((await others.readLine()).toString(), `${full}\r\n`);
  });

  it("is held back by a client that sends and does not read", async () => {
    const { reader, writer, near } = connect();
    const [size, times] = [262_144, 40];
    writer.write(asBulks(["SET", "k", "x".repeat(size)]));
    await reader.readLine();
    writer.write("GET k\r\n".repeat(times));
    await settleDown();
    const buffered = near.writer.transport.getWriteBufferSize() + reader.bufferedBytes;
    assert.ok(buffered > 0 && buffered < 4 * size, `${buffered}`);
    await reader.readExactly(times * (size + 11));
  });

  it("sends the replies to commands that came together in one write", async () => {
    let counts!: ReturnType<typeof countCalls>;
    const { connection, peer } = await connectedToSocket(cleanup, "tcp", (sock) => {
      counts = countCalls(sock);
    });
    const served = respServer()(connection.reader, connection.writer);
    peer.write(`${"PING\r\nSET a 1\r\nINCR a\r\n".repeat(100)}QUIT\r\n`);
    await served;
    connection.writer.close();
    const received = Buffer.concat((await peer.toArray()) as Buffer[]).toString();
    assert.equal(received, `${"+PONG\r\n+OK\r\n:2\r\n".repeat(100)}+OK\r\n`);
    assert.equal(counts.calls, 1);
  });
});

function asBulks(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
