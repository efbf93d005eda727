/** Passes on what two connections send each other. */
import { checkFunction, checkOptions, checkTimeout } from "../checks.js";
import { kindOf } from "../describe.js";
import { ConnectionResetError, IdleTimeoutError, TimeoutError } from "../errors.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import type { Connection } from "./connection.js";
import { RelayWatch } from "./relay-watch.js";
import { RelayDirection, STOPPED, type RelayEnd } from "./relay-direction.js";
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

function toEnd(name: string, connection: unknown): RelayEnd {
  const { reader, writer } = Object(connection) as Partial<Connection>;
  if (!(reader instanceof StreamReader && writer instanceof StreamWriter)) {
    throw new TypeError(`${name} must be a connection, with reader and writer, not ${kindOf(connection)}`);
  }
  const buffer = StreamReader.bufferOf(reader);
  if (buffer === StreamWriter.bufferOf(writer)) return { buffer, writer };
  throw new TypeError(`${name} must be a connection, not the reader of one and the writer of another`);
}

class Relay {
  readonly #ends: readonly [a: RelayEnd, b: RelayEnd];
  readonly #aToB: RelayDirection;
  readonly #bToA: RelayDirection;
  readonly #idle: number | undefined;
  readonly #onBytes: OnBytes;
  #watch: RelayWatch | undefined;
  #isEnding = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(ends: readonly [RelayEnd, RelayEnd], idle: number | undefined, onBytes: OnBytes) {
    const [a, b] = ends;
    this.#ends = ends;
    this.#aToB = new RelayDirection("aToB", a, b);
    this.#bToA = new RelayDirection("bToA", b, a);
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

  async #pass(direction: RelayDirection, back: RelayDirection): Promise<void> {
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
  async #closed(direction: RelayDirection, back: RelayDirection): Promise<void> {
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
