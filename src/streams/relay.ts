/** Passes on what two connections send each other. */
import { takeChunk } from "../bytes/read-rules.js";
import { checkFunction, checkOptions, checkTimeout } from "../checks.js";
import { kindOf } from "../describe.js";
import { ConnectionResetError, IdleTimeoutError, TimeoutError } from "../errors.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import type { Connection } from "./connection.js";
import { RelayWatch } from "./relay-watch.js";
import type { ReceiveBuffer } from "./receive-buffer.js";
import { StreamReader } from "./stream-reader.js";
import { StreamWriter } from "./stream-writer.js";

/** Called with the size of a chunk, in bytes. */
type OnBytes = (direction: "aToB" | "bToA", bytes: number) => void;

/** At `signal` and `timeout`, which bound the whole relay, both connections are aborted. */
export interface RelayOptions extends WaitOptions {
  /** How long nothing may move in either direction, in ms; what a slow peer takes counts too. Default: no limit. */
  readonly idle?: number | undefined;
  /** Called for each chunk that was passed on. If it throws, the relay ends with that error. */
  readonly onBytes?: OnBytes | undefined;
}

/** How many bytes were passed on. */
export interface RelayedBytes {
  readonly aToB: number;
  readonly bToA: number;
}

const NAMES = ["signal", "timeout", "idle", "onBytes"] as const;

/** Once one connection is lost or both have ended, the rest may be stuck for so many ms, as with `await using`. */
const END_LIMIT = 30_000;

/** Why a wait of a direction has ended that has nothing more to do. */
const STOPPED = Symbol("stopped");

/**
 * Passes everything that `a` receives on to `b`, and everything that `b` receives to `a`, until both have ended. Neither
 * is read faster than the other takes it. What is buffered in the readers goes first. Both connections are closed and
 * their sockets free when it settles, however it ends; during it their readers cannot be used.
 *
 * ```ts
 * await startServer(async (reader, writer) => {
 *   await relay({ reader, writer }, await openConnection("127.0.0.1", 8080), { idle: 60_000 });
 * }, "127.0.0.1", 8888);
 * ```
 *
 * The end of one direction is passed on behind its bytes, and the other direction goes on. TLS ends as a whole: where an
 * end is passed on to it the connection is closed, which drops what its peer has not sent by then; and when its peer ends,
 * so does the relay.
 *
 * If one connection is lost, what it had sent is still passed on, then the call rejects with its error. `signal`,
 * `timeout` and `idle` abort both: bytes that were received and not sent on are lost.
 *
 * @throws the error with which one of them was lost, the first one; ConnectionResetError if one was closed while the other
 *   still sent
 * @throws IdleTimeoutError, and TimeoutError when at the end a peer takes nothing for 30 s
 * @throws InvalidStateError while a read of either is pending, or `startTls()`; TypeError or RangeError for wrong
 *   arguments. Then neither connection was touched
 */
export async function relay(
  a: Pick<Connection, "reader" | "writer">,
  b: Pick<Connection, "reader" | "writer">,
  options?: RelayOptions,
): Promise<RelayedBytes> {
  const ends = [toEnd("a", a), toEnd("b", b)] as const;
  const [{ buffer }, { buffer: other }] = ends;
  if (buffer === other) throw new TypeError("relay() takes two connections, and got the same one twice");
  const given = checkOptions<RelayOptions>("relay()", options, NAMES);
  const { idle, onBytes = () => {} } = given;
  const bounds = new Bounds("relay", given, buffer.clock);
  if (idle !== undefined) checkTimeout("idle", idle);
  checkFunction("onBytes", onBytes);
  other.checkIdle("relay");
  buffer.lock("relay");
  other.lock("relay");
  try {
    return await new Relay(ends, idle, onBytes).run(bounds);
  } finally {
    buffer.unlock();
    other.unlock();
  }
}

/** A connection as the relay has it. */
interface End {
  readonly buffer: ReceiveBuffer;
  readonly writer: StreamWriter;
}

function toEnd(name: string, connection: unknown): End {
  const { reader, writer } = Object(connection) as Partial<Connection>;
  if (!(reader instanceof StreamReader && writer instanceof StreamWriter)) {
    throw new TypeError(`${name} must be a connection, with reader and writer, not ${kindOf(connection)}`);
  }
  const buffer = StreamReader.bufferOf(reader);
  if (buffer === StreamWriter.bufferOf(writer)) return { buffer, writer };
  throw new TypeError(`${name} must be a connection, not the reader of one and the writer of another`);
}

class Relay {
  readonly #ends: readonly [a: End, b: End];
  readonly #aToB: Direction;
  readonly #bToA: Direction;
  readonly #idle: number | undefined;
  readonly #onBytes: OnBytes;
  #watch: RelayWatch | undefined;
  #isEnding = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(ends: readonly [End, End], idle: number | undefined, onBytes: OnBytes) {
    const [a, b] = ends;
    this.#ends = ends;
    this.#aToB = new Direction("aToB", a, b);
    this.#bToA = new Direction("bToA", b, a);
    this.#idle = idle;
    this.#onBytes = onBytes;
  }

  async run(bounds: Bounds): Promise<RelayedBytes> {
    const [aToB, bToA] = [this.#aToB, this.#bToA];
    if (this.#idle !== undefined) this.#watchFor(this.#idle, new IdleTimeoutError(this.#idle));
    const stopBounds = bounds.watch((reason) => this.#abort(reason));
    try {
      const closed = Promise.all([this.#closed(aToB, bToA), this.#closed(bToA, aToB)]);
      await Promise.all([this.#pass(aToB, bToA), this.#pass(bToA, aToB)]);
      for (const { writer } of this.#ends) writer.close();
      this.#limitEnd();
      await closed;
    } finally {
      stopBounds();
      this.#watch?.dispose();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    return { aToB: aToB.passed, bToA: bToA.passed };
  }

  async #pass(direction: Direction, back: Direction): Promise<void> {
    const { from, to } = direction;
    let hasFailed = false;
    try {
      for (let size = await direction.passChunk(); size > 0; size = await direction.passChunk()) {
        this.#watch?.moved();
        this.#onBytes(direction.name, size);
      }
    } catch (error) {
      hasFailed = true;
      if (error !== STOPPED) this.#fail(error);
      else if (from.buffer.queue.length > 0) this.#fail(new ConnectionResetError("Connection lost"));
    }
    direction.isOver = true;
    // What goes back is lost with `from`. After a failure only what a lost `to` had sent is still worth it.
    if (from.writer.isClosing() || (hasFailed && !to.writer.isClosing())) back.stop();
  }

  /** `from` may be lost after all it had sent was passed on: then nothing else would tell who writes to it. */
  async #closed(direction: Direction, back: Direction): Promise<void> {
    try {
      await direction.from.writer.waitClosed();
    } catch (error) {
      this.#fail(error);
    }
    if (direction.isOver) back.stop();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#limitEnd();
  }

  #abort(error: unknown): void {
    this.#fail(error);
    for (const { writer } of this.#ends) writer.transport.abort();
    this.#aToB.stop();
    this.#bToA.stop();
  }

  #limitEnd(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const limit = Math.min(END_LIMIT, this.#idle ?? END_LIMIT);
    this.#watchFor(limit, new TimeoutError(`relay() could not end: nothing moved for ${limit} ms`));
  }

  #watchFor(limit: number, error: Error): void {
    const [a, b] = this.#ends;
    const unsentBytes = () =>
      a.writer.transport.getWriteBufferSize() + b.writer.transport.getWriteBufferSize();
    this.#watch?.dispose();
    this.#watch = new RelayWatch(a.buffer.clock, limit, unsentBytes, () => this.#abort(error));
  }
}

/** One of the two. */
class Direction {
  readonly name: "aToB" | "bToA";
  readonly from: End;
  readonly to: End;
  /** In bytes. */
  passed = 0;
  isOver = false;
  readonly #stop = new AbortController();
  readonly #bounds: Bounds;

  constructor(name: "aToB" | "bToA", from: End, to: End) {
    this.name = name;
    this.from = from;
    this.to = to;
    this.#bounds = new Bounds("relay", { signal: this.#stop.signal }, from.buffer.clock);
  }

  /** Nothing that comes from now on is passed on. */
  stop(): void {
    this.#stop.abort(STOPPED);
  }

  /** Passes on what arrived together, as soon as there is room for it, or the end. Returns how many bytes it were. */
  async passChunk(): Promise<number> {
    const { buffer } = this.from;
    const { writer } = this.to;
    const chunk = await buffer.take(() => this.#take(), this.#bounds);
    if (chunk.length === 0) {
      if (writer.canWriteEof()) writer.writeEof();
      else writer.close();
      return 0;
    }
    await writer.drain();
    if (this.#stop.signal.aborted || writer.isClosing()) throw new ConnectionResetError("Connection lost");
    writer.write(chunk);
    this.passed += chunk.length;
    return chunk.length;
  }

  #take(): Buffer<ArrayBuffer> | undefined {
    const { buffer } = this.from;
    const chunk = takeChunk(buffer.queue, buffer.isEnded);
    if (chunk !== undefined) buffer.resumeIfFree();
    return chunk;
  }
}
