/** The example client and server of Redis's protocol. */
import { join } from "node:path";
import { openUnixConnection, startUnixServer } from "asyncio-streams";
import { temporaryFolder } from "../../test/support/folders.js";
import { missingProgram, startRedisServer } from "../../test/support/redis.js";
import { RedisClient, RedisError, type Reply } from "../redis-client.js";
import { respServer } from "../resp-server.js";
import { say, title } from "./story.js";
import { undoing } from "./undoing.js";

const COMMANDS = ["SET greeting Hello", "GET greeting", "INCR greeting", "GET nothing", "EXISTS greeting"];
const MANY = 10_000;

export async function redis(): Promise<void> {
  title("Redis: a client that pipelines, and a server");
  await undoing(async (cleanup) => {
    const path = join(await temporaryFolder(cleanup), "resp.sock");
    await using _server = await startUnixServer(respServer(), path);
    say("The example server listens, and the example client sends five commands in one go:");
    await talk(path);
  });
  if (missingProgram("redis-server") !== undefined) {
    say("redis-server is not installed here; if it were, the same client would now talk to it.");
    return;
  }
  say("The same client and a real redis-server:");
  await undoing(async (cleanup) => talk(await startRedisServer(cleanup)));
}

async function talk(path: string): Promise<void> {
  const client = new RedisClient(await openUnixConnection(path));
  const replies = COMMANDS.map((command) => {
    const [name = "", ...args] = command.split(" ");
    return client.call(name, ...args).then(show, show);
  });
  for (const [index, reply] of (await Promise.all(replies)).entries()) {
    say(`  ${COMMANDS[index]!.padEnd(18)}  ${reply}`);
  }
  const counts: Promise<Reply>[] = [];
  while (counts.length < MANY) counts.push(client.call("INCR", "count"));
  await client.close();
  const last = (await Promise.all(counts)).at(-1)!;
  say(`  ${MANY} times INCR count, all in flight at once; the last reply is ${show(last)}`);
}

function show(reply: Reply): string {
  return reply instanceof RedisError ? `refused: ${reply.message}` : String(reply);
}
