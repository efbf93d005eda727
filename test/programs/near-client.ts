// What a client does from another host, one task a run, and what it has left open behind. Arguments: the task, and what
// it needs as JSON.
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { openConnection, type Connection, type OpenConnectionOptions } from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { errorText } from "../support/error-text.js";
import { leavingNothing, openSockets } from "../support/open-resources.js";

interface Task {
  readonly host: string;
  readonly port: number;
  readonly options?: OpenConnectionOptions;
  /** What `host` stands for. */
  readonly addresses?: readonly string[];
}

const tasks: Readonly<Record<string, (task: Task) => Promise<void>>> = {
  /** Sends a pattern and checks what comes back. */
  async echo(task) {
    const { reader, writer } = await connect(task);
    const sent = patternBytes(1_000_000);
    console.log("talking");
    const received = reader.readExactly(sent.length);
    for (let at = 0; at < sent.length; at += 10_000) {
      writer.write(sent.subarray(at, at + 10_000));
      await writer.drain();
    }
    console.log((await received).equals(sent) ? "the same" : "other bytes");
    writer.close();
    await writer.waitClosed();
  },

  /** Says a word, then waits for another. */
  async listen(task) {
    const { reader } = await greeted(task);
    console.log(await outcome(reader.readLine()));
  },

  /** Says a word, then writes on and on. */
  async write(task) {
    const { writer } = await greeted(task);
    const writing = async (): Promise<never> => {
      for (;;) {
        writer.write(Buffer.alloc(65_536));
        await writer.drain();
      }
    };
    console.log(await outcome(writing()));
  },

  async connect(task) {
    const connecting = connect(task);
    console.log(await outcome(connecting.then(({ writer }) => writer.getExtraInfo("peername"))));
    (await connecting.catch(() => undefined))?.writer.close();
  },

  /** Connects until an attempt fails. */
  async ports(task) {
    const open: Connection[] = [];
    const failure = await outcome(
      (async (): Promise<never> => {
        for (;;) open.push(await connect(task));
      })(),
    );
    console.log(`${open.length} connected, then ${failure}`);
    for (const { reader, writer } of open) {
      writer.write("still there\n");
      if ((await reader.readLine()).toString() !== "still there\n") console.log("other bytes");
      writer.transport.abort();
    }
  },
};

function connect({ host, port, options, addresses }: Task): Promise<Connection> {
  if (addresses === undefined) return openConnection(host, port, options);
  const lookup = async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  return openConnection(host, port, { ...options, lookup });
}

async function greeted(task: Task): Promise<Connection> {
  const connection = await connect(task);
  connection.writer.write("hello\n");
  await connection.reader.readLine();
  console.log("talking");
  return connection;
}

async function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(JSON.stringify, (error: unknown) => `lost ${errorText(error)}`);
}

/** Not every runtime tells of a lookup, but it has a datagram socket, as nothing else on this host. */
function isLookingUp(): boolean {
  const isTold = process.getActiveResourcesInfo().includes("GetAddrInfoReqWrap");
  return isTold || readFileSync("/proc/self/net/udp", "utf8").trim().includes("\n");
}

/** About half a second after it has started, Deno opens two sockets of its own. */
async function untilDenoHasItsSockets(): Promise<void> {
  const before = openSockets().length;
  for (let waits = 0; waits < 200 && openSockets().length < before + 2; waits++) await setTimeout(10);
}

const [name = "", task = ""] = process.argv.slice(2);
if (process.versions["deno"] !== undefined) await untilDenoHasItsSockets();
await leavingNothing(async () => {
  await tasks[name]!(JSON.parse(task) as Task);
  // One of the system's lookups cannot be given up; it ends by itself.
  while (isLookingUp()) await setTimeout(10);
});
console.log("nothing left");
