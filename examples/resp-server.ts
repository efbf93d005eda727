// Server that keeps strings and speaks RESP2, the protocol of Redis. Arguments: a path, or host and port.
import { realpathSync } from "node:fs";
import { argv } from "node:process";
import { IncompleteReadError, LineTooLongError, startServer, startUnixServer } from "asyncio-streams";
import type { BytesLike, StreamReader, StreamWriter } from "asyncio-streams";

/** What a client may make this server keep: arguments and bytes of a command, bytes of all that is stored. */
const MAX_ARGUMENTS = 1024;
const MAX_COMMAND = 1_048_576;
const MAX_STORED = 64 * 1_048_576;
/** What a stored value counts besides the bytes of key and value: it needs about as much memory. */
const ENTRY = 256;

/** What came is no command: nobody can tell where the next one begins. */
class ProtocolError extends Error {}

type Reply = readonly BytesLike[];
type Command = readonly [least: number, most: number, run: (...args: Buffer[]) => Reply];

const status = (text: string): Reply => [`+${text}\r\n`];
/** One line, whatever is in it of what the client has sent. */
const refusal = (text: string): Reply => [`-${text.replace(/[\r\n]/g, " ")}\r\n`];
const integer = (value: number | bigint): Reply => [`:${value}\r\n`];
const bulk = (bytes: BytesLike | undefined): Reply =>
  bytes === undefined ? ["$-1\r\n"] : [`$${Buffer.byteLength(bytes)}\r\n`, bytes, "\r\n"];
const list = (...items: BytesLike[]): Reply => [`*${items.length}\r\n`, ...items.flatMap(bulk)];

class Store {
  readonly #values = new Map<string, Buffer>();
  #bytes = 0;

  /** Latin1 keeps all keys apart, whatever their bytes. */
  get(key: Buffer): Buffer | undefined {
    return this.#values.get(key.toString("latin1"));
  }

  /** Keeps a copy, which shares no memory with others: what was read may be a view on a larger chunk. */
  set(key: Buffer, value: Buffer): boolean {
    const bytes = this.#bytes - this.#sizeOf(key) + ENTRY + key.length + value.length;
    if (bytes > MAX_STORED) return false;
    this.#bytes = bytes;
    this.#values.set(key.toString("latin1"), Buffer.alloc(value.length, value));
    return true;
  }

  delete(key: Buffer): boolean {
    this.#bytes -= this.#sizeOf(key);
    return this.#values.delete(key.toString("latin1"));
  }

  #sizeOf(key: Buffer): number {
    const value = this.get(key);
    return value === undefined ? 0 : ENTRY + key.length + value.length;
  }
}

function commandsOn(store: Store): ReadonlyMap<string, Command> {
  const set = (key: Buffer, value: Buffer, done: Reply): Reply =>
    store.set(key, value) ? done : refusal("OOM command not allowed, the server is full");
  const increment = (key: Buffer): Reply => {
    const text = (store.get(key) ?? "0").toString();
    const next = /^-?\d{1,19}$/.test(text) ? BigInt(text) + 1n : undefined;
    if (next === undefined || next !== BigInt.asIntN(64, next)) {
      return refusal("ERR value is not an integer or out of range");
    }
    return set(key, Buffer.from(String(next)), integer(next));
  };
  return new Map<string, Command>([
    ["PING", [0, 1, (text) => (text === undefined ? status("PONG") : bulk(text))]],
    ["ECHO", [1, 1, bulk]],
    ["GET", [1, 1, (key) => bulk(store.get(key))]],
    ["SET", [2, 2, (key, value) => set(key, value, status("OK"))]],
    ["INCR", [1, 1, (key) => increment(key)]],
    ["DEL", [1, Infinity, (...keys) => integer(keys.filter((key) => store.delete(key)).length)]],
    ["EXISTS", [1, Infinity, (...keys) => integer(keys.filter((key) => store.get(key)).length)]],
    // What clients ask for before they begin: no settings, no descriptions.
    ["CONFIG", [2, 2, (_get, name) => list(name, "")]],
    ["COMMAND", [0, Infinity, () => list()]],
    ["INFO", [0, 1, () => bulk("# Server\r\nserver_name:resp-server\r\n")]],
    ["QUIT", [0, 0, () => status("OK")]],
  ]);
}

function obey(commands: ReadonlyMap<string, Command>, name: string, args: Buffer[]): Reply {
  const [least, most, run] = commands.get(name) ?? [];
  if (run === undefined) return refusal(`ERR unknown command '${name.slice(0, 100)}'`);
  const fits = args.length >= least! && args.length <= most!;
  return fits ? run(...args) : refusal(`ERR wrong number of arguments for '${name}'`);
}

/** A list of bulks, or words on a line. `undefined` at the end. */
async function readCommand(reader: StreamReader): Promise<Buffer[] | undefined> {
  for (;;) {
    const line = (reader.tryReadLine() ?? (await reader.readLine())).toString("latin1");
    if (!line.endsWith("\n")) return undefined;
    const command = line.startsWith("*") ? await readBulks(reader, line) : wordsOf(line);
    if (command.length > 0) return command;
  }
}

const wordsOf = (line: string) => line.match(/\S+/g)?.map((word) => Buffer.from(word, "latin1")) ?? [];

/** A length is checked before anything is read for it. */
async function readBulks(reader: StreamReader, head: string): Promise<Buffer[]> {
  const count = Number(/^\*(-1|\d+)\r\n$/.exec(head)?.[1]);
  if (!(count <= MAX_ARGUMENTS)) throw new ProtocolError("invalid multibulk length");
  const bulks: Buffer[] = [];
  for (let room = MAX_COMMAND; bulks.length < count;) {
    const line = (reader.tryReadLine() ?? (await reader.readLine())).toString("latin1");
    const size = Number(/^\$(\d+)\r\n$/.exec(line)?.[1]);
    room -= size;
    if (!(room >= 0)) throw new ProtocolError("invalid bulk length");
    const bytes = reader.tryReadExactly(size + 2) ?? (await reader.readExactly(size + 2));
    if (bytes.toString("latin1", size) !== "\r\n") throw new ProtocolError("a bulk does not end");
    bulks.push(bytes.subarray(0, size));
  }
  return bulks;
}

/** Serves connections; all have the same store. The replies to commands that came together leave together. */
export function respServer(): (reader: StreamReader, writer: StreamWriter) => Promise<void> {
  const commands = commandsOn(new Store());
  return async (reader, writer) => {
    try {
      for (let command = await readCommand(reader); command; command = await readCommand(reader)) {
        const [name, ...args] = command;
        const verb = name!.toString("latin1").toUpperCase();
        writer.writeLines(obey(commands, verb, args));
        await writer.drain();
        if (verb === "QUIT") return;
      }
    } catch (error) {
      if (error instanceof IncompleteReadError) return;
      if (!(error instanceof ProtocolError || error instanceof LineTooLongError)) throw error;
      writer.writeLines(refusal(`ERR Protocol error: ${error.message}`));
    }
  };
}

if (argv[1] !== undefined && realpathSync(argv[1]) === import.meta.filename) {
  const [where = "127.0.0.1", port = "6380"] = argv.slice(2);
  const options = { onError: (error: unknown) => console.log(`Conversation ended: ${String(error)}`) };
  const server = await (where.includes("/")
    ? startUnixServer(respServer(), where, options)
    : startServer(respServer(), where, port, options));
  const addresses = server.sockets.map((socket) => JSON.stringify(socket.getsockname()));
  console.log(`Serving on ${addresses.join(", ")}`);
  await server.serveForever();
}
