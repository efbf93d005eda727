/** What the tests with the fault-injecting proxy share: their positions, and what an end tells of how it went. */
import assert from "node:assert/strict";
import { env } from "node:process";
import {
  ConnectionResetError,
  IncompleteReadError,
  openConnection,
  startServer,
  TimeoutError,
  type ConnectionContext,
  type Connection,
  type OpenConnectionOptions,
  type Server,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { faultProxy, type Direction, type Fault, type FaultProxy } from "../support/fault-proxy.js";
import { leavingNothing } from "../support/open-resources.js";

export type Cleanup = (undo: () => unknown) => void;
export type Streams = Pick<Connection, "reader" | "writer">;

export const DIRECTIONS: readonly Direction[] = ["toServer", "toClient"];
/** How many positions a conversation has at least in each direction. */
export const POSITIONS = 200;
/** How many run at once, unless a test says otherwise. */
const CONCURRENCY = 50;
/** Far more than one position takes, in ms: what is not through by then hangs. */
const HANG = 20_000;
/** A limit that nothing reaches that goes on, and that a stall does reach, in ms. */
export const SHORT = 30;

/** From 0 to `last`: all with FAULT_POSITIONS=every, as `npm run faults` sets it, else each `step`-th, those of `always`, and the last. */
export function positions(last: number, step = 1, always: readonly number[] = []): number[] {
  const stride = env["FAULT_POSITIONS"] === "every" ? 1 : step;
  return Array.from({ length: last + 1 }, (_, position) => position).filter(
    (position) => position % stride === 0 || position === last || always.includes(position),
  );
}

/** Runs `body` at each of them, many at once. A failure names its position; one that hangs or leaves something open fails. */
export async function atEach(
  where: readonly number[],
  body: (position: number, cleanup: Cleanup) => Promise<void>,
  concurrency: number = CONCURRENCY,
): Promise<void> {
  await leavingNothing(async () => {
    const left = [...where];
    const worker = async () => {
      for (let position = left.shift(); position !== undefined; position = left.shift()) {
        await atOne(position, body);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  });
}

async function atOne(
  position: number,
  body: (position: number, cleanup: Cleanup) => Promise<void>,
): Promise<void> {
  const undos: (() => unknown)[] = [];
  let timer: NodeJS.Timeout | undefined;
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it hangs")), HANG);
  });
  try {
    await Promise.race([body(position, (undo) => void undos.push(undo)), hanging]);
  } catch (error) {
    throw new Error(`at position ${position}: ${(error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
    for (const undo of undos.toReversed()) await undo();
  }
}

/** How an end of a conversation went: what it received, how that ended, and how `waitClosed()` did. */
export interface Outcome {
  readonly received: Buffer;
  /** "end", or the name of the error. */
  readonly end: string;
  /** "closed", or the name of the error. */
  readonly closed: string;
}

/** "closed", or the name of the error that `waiting` rejects with. */
export function nameOfEnd(waiting: Promise<unknown>): Promise<string> {
  return waiting.then(
    () => "closed",
    (error: Error) => error.name,
  );
}

/** What is still there in front of an error, or the end, and which of them it is. */
export async function drainReader(reader: StreamReader): Promise<{ received: Buffer; end: string }> {
  const pieces: Buffer[] = [];
  for (;;) {
    try {
      const piece = await reader.read(7);
      if (piece.length === 0) return { received: Buffer.concat(pieces), end: "end" };
      pieces.push(piece);
    } catch (error) {
      return { received: Buffer.concat(pieces), end: (error as Error).name };
    }
  }
}

/** `size` bytes by `readExactly()`, and then the end; after an IncompleteReadError its `partial`, after another error what is left. `read` may bound it. */
export async function receiveExactly(
  reader: StreamReader,
  size: number,
): Promise<{ received: Buffer; end: string }> {
  try {
    const received = await reader.readExactly(size);
    return { received, end: (await drainReader(reader)).end };
  } catch (error) {
    if (!(error instanceof IncompleteReadError)) return drainReader(reader);
    assert.equal(error.expected, size);
    assert.ok(reader.atEof());
    return { received: error.partial, end: "end" };
  }
}

/** A read that cannot succeed yet runs into its limit and takes nothing; then the stall ends. */
export async function outlastStall(
  proxy: FaultProxy,
  read: (options: { timeout: number }) => Promise<unknown>,
): Promise<void> {
  await assert.rejects(read({ timeout: SHORT }), TimeoutError);
  proxy.release();
}

/** A server, behind a proxy that does harm. */
export interface Served {
  readonly server: Server;
  readonly proxy: FaultProxy;
  /** How it went for the server's end of the first connection. */
  readonly outcome: Promise<Outcome>;
}

/** `converse` has the connections of the server; `waitClosed()` comes when it is done. */
export async function serveBehind(
  cleanup: Cleanup,
  fault: Fault | undefined,
  converse: (streams: Streams, context: ConnectionContext) => Promise<Pick<Outcome, "received" | "end">>,
  options: StartServerOptions = {},
): Promise<Served> {
  let settle!: (outcome: Promise<Outcome>) => void;
  const outcome = new Promise<Outcome>((resolve) => (settle = resolve));
  const server = await startServer(
    async (reader: StreamReader, writer: StreamWriter, context) => {
      const conversation = converse({ reader, writer }, context);
      settle(conversation.then(async (how) => ({ ...how, closed: await nameOfEnd(writer.waitClosed()) })));
      await conversation;
    },
    "127.0.0.1",
    0,
    options,
  );
  cleanup(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return { server, proxy: await faultProxy(cleanup, portOf(server), fault), outcome };
}

/** Connects through the proxy. If that is reset before the connection stands, there is none. */
export async function connectThrough(
  proxy: FaultProxy,
  options: OpenConnectionOptions = {},
): Promise<Connection | undefined> {
  try {
    return await openConnection("127.0.0.1", proxy.port, options);
  } catch (error) {
    assert.ok(proxy.isReset && error instanceof ConnectionResetError, String(error));
    return undefined;
  }
}

/** What an end that the proxy passed these bytes on to must have seen of it. `sent` is all that was sent to it. */
export function checkOutcome(
  who: string,
  { received, end, closed }: Outcome,
  sent: Uint8Array,
  { passed, hasEnded }: FaultProxy["toServer"],
  isReset: boolean,
): void {
  assert.equal(received.length, passed, `bytes for the ${who}`);
  assert.ok(received.equals(sent.subarray(0, passed)), `bytes for the ${who} differ`);
  const lost = /^(ConnectionResetError|BrokenPipeError)$/;
  const expected = !isReset ? /^end$/ : hasEnded ? /^(end|ConnectionResetError|BrokenPipeError)$/ : lost;
  assert.match(end, expected, `the end for the ${who}`);
  if (end !== "end") assert.equal(closed, end, `waitClosed() of the ${who}`);
  else assert.match(closed, isReset ? /^(closed|ConnectionResetError|BrokenPipeError)$/ : /^closed$/, who);
}
