import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectionResetError, openUnixConnection } from "asyncio-streams";
import { RedisClient, RedisError, type Reply } from "../../examples/redis-client.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { runCommand, runProgram, type Program } from "../support/processes.js";
import { needsRedis, startRedisServer } from "../support/redis.js";

const options = needsRedis();
const MIB = 1_048_576;

describe("The example redis-client and redis-server", options, () => {
  const cleanup = cleanups();

  async function connect(path: string, limits?: { maxReply: number }): Promise<RedisClient> {
    const connection = await openUnixConnection(path);
    cleanup(() => connection.writer.transport.abort());
    return new RedisClient(connection, limits);
  }

  it("agree on each kind of reply", async () => {
    const client = await connect(await startRedisServer(cleanup));
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const talk: readonly (readonly [command: readonly [string, ...(string | Buffer)[]], reply: Reply])[] = [
      [["PING"], "PONG"],
      [["SET", bytes, bytes], "OK"],
      [["GET", bytes], bytes],
      [["GET", "none"], null],
      [["SET", "n", "9223372036854775806"], "OK"],
      [["INCR", "n"], 9223372036854775807n],
      [["DECRBY", "m", "5"], -5],
      [["RPUSH", "l", "a", "größe", ""], 3],
      [
        ["LRANGE", "l", "0", "-1"],
        [Buffer.from("a"), Buffer.from("größe"), Buffer.of()],
      ],
      [["LRANGE", "none", "0", "-1"], []],
      [["BLPOP", "none", "0.01"], null],
      [
        ["EVAL", "return {1, {2, {'a', false}}, redis.status_reply('S')}", "0"],
        [1, [2, [Buffer.from("a"), null]], "S"],
      ],
      [["MULTI"], "OK"],
      [["INCR", "m"], "QUEUED"],
      [["INCR", "l"], "QUEUED"],
    ];
    for (const [command, reply] of talk) assert.deepEqual(await client.call(...command), reply, command[0]);
    const [count, error] = (await client.call("EXEC")) as readonly Reply[];
    assert.equal(count, -4);
    assert.ok(error instanceof RedisError && error.message.startsWith("WRONGTYPE "), String(error));
    await client.close();
  });

  it("keep 20 000 commands in flight, in order, and an error to its own command", async () => {
    const client = await connect(await startRedisServer(cleanup));
    const replies: Promise<unknown>[] = [];
    for (let index = 0; index < 20_000; index++) {
      replies.push(
        index % 100 === 99 ? client.call("INCR").catch((error: unknown) => error) : client.call("INCR", "n"),
      );
      if (index % 1000 === 0) await client.drain();
    }
    await client.close();
    let count = 0;
    for (const [index, reply] of (await Promise.all(replies)).entries()) {
      if (index % 100 !== 99) assert.equal(reply, ++count);
      else assert.ok(reply instanceof RedisError, String(reply));
    }
  });

  it("carry 8 MiB of bytes both ways", async () => {
    const client = await connect(await startRedisServer(cleanup));
    const large = Buffer.alloc(8 * MIB, "0123456789abcdefg");
    const replies = await Promise.all([
      client.call("SET", "k", large),
      client.call("GET", "k"),
      client.call("PING"),
    ]);
    assert.ok(large.equals(replies[1] as Buffer));
    assert.deepEqual([replies[0], replies[2]], ["OK", "PONG"]);
    await client.close();
  });

  it("part when a reply is above the limit", async () => {
    const client = await connect(await startRedisServer(cleanup), { maxReply: MIB });
    await client.call("SET", "k", Buffer.alloc(MIB));
    const message = `A reply is above the limit of ${MIB} bytes`;
    await assert.rejects(client.call("GET", "k"), { message });
    await assert.rejects(client.call("PING"), { message });
    await client.close();
  });

  it("part when the server goes, and all that is in flight is rejected", async () => {
    const path = await startRedisServer(cleanup);
    const [client, other] = [await connect(path), await connect(path)];
    const waiting = Promise.allSettled([client.call("BLPOP", "none", 0), client.call("PING")]);
    await Promise.allSettled([other.call("SHUTDOWN", "NOSAVE")]);
    for (const result of await waiting) {
      assert.ok(
        result.status === "rejected" && result.reason instanceof ConnectionResetError,
        JSON.stringify(result),
      );
    }
  });
});

describe("The example resp-server", options, () => {
  const cleanup = cleanups();

  async function serve(where: "path" | "port"): Promise<{ program: Program; at: string[] }> {
    const path = `${await temporaryFolder(cleanup)}/resp.sock`;
    const args = where === "path" ? [path] : ["127.0.0.1", "0"];
    const program = runProgram(cleanup, "examples/resp-server.js", args);
    const port = /^Serving on (?:".*"|\["127\.0\.0\.1",(\d+)\])$/.exec((await program.nextLine()) ?? "")?.[1];
    return { program, at: port === undefined ? ["-s", path] : ["-h", "127.0.0.1", "-p", port] };
  }

  /** Nobody has anything to complain of. */
  async function finish(program: Program): Promise<void> {
    program.child.kill();
    const { lines, errors } = await program.finish();
    assert.deepEqual([lines, errors], [[], ""]);
  }

  for (const where of ["path", "port"] as const) {
    it(`answers redis-cli at a ${where}`, async () => {
      const { program, at } = await serve(where);
      const cli = runCommand(cleanup, "redis-cli", at);
      cli.say('PING\nSET "a key" "größe\\r\\n"\nGET "a key"\nGET none\nINCR n\nNONE\nDEL "a key" n\nCOMMAND');
      const { lines, errors, status } = await cli.finish();
      assert.deepEqual([errors, status], ["", 0]);
      const expected = ["PONG", "OK", "größe", "", "", "1", "ERR unknown command 'NONE'", "", "2", ""];
      assert.deepEqual(
        lines.map((line) => line.replace("\r", "")),
        expected,
      );
      await finish(program);
    });
  }

  it("takes what redis-cli --pipe sends in one go", async () => {
    const { program, at } = await serve("path");
    const cli = runCommand(cleanup, "redis-cli", [...at, "--pipe"]);
    for (let index = 0; index < 5000; index++) cli.say(`SET key${index} ${index}\r`);
    const { lines, status } = await cli.finish();
    assert.deepEqual([lines.at(-1), status], ["errors: 0, replies: 5000", 0]);
    await finish(program);
  });

  it("answers redis-benchmark, each command once", async () => {
    const { program, at } = await serve("port");
    const load = [
      "-n",
      "20000",
      "-c",
      "20",
      "-P",
      "16",
      "--csv",
      "-t",
      "ping_inline,ping_mbulk,set,get,incr",
    ];
    const benchmark = runCommand(cleanup, "redis-benchmark", [...at, ...load]);
    const { lines, errors, status } = await benchmark.finish();
    assert.deepEqual([errors, status], ["", 0]);
    const tests = lines.map((line) => (JSON.parse(`[${line}]`) as readonly string[])[0]);
    assert.deepEqual(tests.slice(-5), ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR"]);
    const cli = runCommand(cleanup, "redis-cli", [...at, "GET", "counter:__rand_int__"]);
    assert.deepEqual((await cli.finish()).lines, ["20000"]);
    await finish(program);
  });
});
