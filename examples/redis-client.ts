// Redis client with pipelining, over RESP2. Arguments: a path or HOST:PORT, and commands, each as one argument.
import { realpathSync } from "node:fs";
import { argv } from "node:process";
import { ConnectionResetError, IncompleteReadError } from "asyncio-streams";
import { openConnection, openUnixConnection } from "asyncio-streams";
import type { BytesLike, Connection, WaitOptions } from "asyncio-streams";

/** A status, an integer, a bulk of bytes, nothing, or a list; an error only within a list. */
export type Reply = string | number | bigint | Buffer | null | RedisError | readonly Reply[];

/** The server's refusal of a command. */
export class RedisError extends Error {}

const CRLF = "\r\n";
/** What an element of a list counts besides its bytes: it needs about as much memory. */
const ELEMENT = 16;
const MAX_DEPTH = 32;

/** Any number of commands may be in flight: each leaves at once, and one loop hands out the replies in their order. */
export class RedisClient {
  readonly #connection: Connection;
  readonly #maxReply: number;
  /** What to do with the reply to a command in flight, by its number. */
  readonly #inFlight = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  readonly #ended: Promise<void>;
  #sent = 0;
  #answered = 0;
  #last: Promise<unknown> = Promise.resolve();
  #refusal: Error | undefined;
  /** Bytes that the reply may still have. */
  #room = 0;

  /** The connection is the client's from then on. `maxReply`: bytes of a reply; a larger one ends the connection. */
  constructor(connection: Connection, { maxReply = 64 * 1_048_576 }: { readonly maxReply?: number } = {}) {
    this.#connection = connection;
    this.#maxReply = maxReply;
    this.#ended = this.#handOut();
  }

  /** Rejects with RedisError if the server refuses the command, and with another error if the connection is lost. */
  async call(name: string, ...args: readonly (BytesLike | number)[]): Promise<Reply> {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#connection.writer.writeLines(encode([name, ...args]));
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#inFlight.set(this.#sent++, { resolve, reject });
    });
    this.#last = reply;
    return reply;
  }

  /** Waits until there is room for more commands: to be awaited by who sends many and waits for no reply. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#connection.writer.drain(options);
  }

  /** Refuses further commands, waits for the replies to those in flight, and ends the connection. */
  async close(): Promise<void> {
    this.#refusal ??= new Error("The client is closed");
    await this.#last.catch(() => {});
    this.#connection.writer.close();
    await this.#ended;
  }

  async #handOut(): Promise<void> {
    const { writer } = this.#connection;
    try {
      for (;;) {
        this.#room = this.#maxReply;
        this.#answer(await this.#read(0));
      }
    } catch (error) {
      const isEnd = error instanceof IncompleteReadError;
      const lost = isEnd ? new ConnectionResetError("The connection has ended") : (error as Error);
      this.#refusal ??= lost;
      for (const command of this.#inFlight.values()) command.reject(lost);
    }
    writer.transport.abort();
    await writer.waitClosed().catch(() => {});
  }

  #answer(reply: Reply): void {
    const command = this.#inFlight.get(this.#answered);
    if (command === undefined) throw new Error("A reply came that nobody has asked for");
    this.#inFlight.delete(this.#answered++);
    if (reply instanceof RedisError) command.reject(reply);
    else command.resolve(reply);
  }

  /** What is here is taken without waiting, which costs less. */
  async #read(depth: number): Promise<Reply> {
    const { reader } = this.#connection;
    const bytes = reader.tryReadUntil(CRLF) ?? (await reader.readUntil(CRLF));
    this.#count(bytes.length);
    const line = bytes.toString().slice(0, -2);
    const [kind, text] = [line[0], line.slice(1)];
    if (kind === "+") return text;
    if (kind === "-") return new RedisError(text);
    if (!/^(:[+-]?\d+|[$*](\d+|-1))$/.test(line)) throw new Error(`No reply: ${line}`);
    const number = Number(text);
    if (kind === ":") return Number.isSafeInteger(number) ? number : BigInt(text);
    if (number < 0) return null;
    return kind === "$" ? this.#readBulk(number) : this.#readList(number, depth + 1);
  }

  async #readBulk(length: number): Promise<Buffer> {
    this.#count(length);
    const { reader } = this.#connection;
    const bytes = reader.tryReadExactly(length + 2) ?? (await reader.readExactly(length + 2));
    if (bytes.toString("latin1", length) !== CRLF) throw new Error("A bulk does not end");
    return bytes.subarray(0, length);
  }

  async #readList(length: number, depth: number): Promise<Reply[]> {
    if (depth > MAX_DEPTH) throw new Error(`Lists are nested more than ${MAX_DEPTH} deep`);
    this.#count(length * ELEMENT);
    const list: Reply[] = [];
    while (list.length < length) list.push(await this.#read(depth));
    return list;
  }

  #count(bytes: number): void {
    this.#room -= bytes;
    if (this.#room < 0) throw new Error(`A reply is above the limit of ${this.#maxReply} bytes`);
  }
}

function encode(args: readonly (BytesLike | number)[]): BytesLike[] {
  const values = args.map((arg) => (typeof arg === "number" ? String(arg) : arg));
  const bulks = values.flatMap((value) => [`$${Buffer.byteLength(value)}${CRLF}`, value, CRLF]);
  return [`*${args.length}${CRLF}`, ...bulks];
}

function show(reply: Reply): string {
  if (Array.isArray(reply)) return `[${reply.map(show).join(", ")}]`;
  return Buffer.isBuffer(reply) ? JSON.stringify(reply.toString()) : String(reply);
}

if (argv[1] !== undefined && realpathSync(argv[1]) === import.meta.filename) {
  const [where = "", ...commands] = argv.slice(2);
  const [host, port] = where.split(":");
  const isPath = where.includes("/");
  const client = new RedisClient(await (isPath ? openUnixConnection(where) : openConnection(host, port)));
  const replies = commands.map((command) => {
    const [name = "", ...args] = command.split(" ");
    return client.call(name, ...args).then(show, (error: unknown) => `(${String(error)})`);
  });
  for (const reply of replies) console.log(await reply);
  await client.close();
}
