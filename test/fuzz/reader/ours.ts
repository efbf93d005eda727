/** Carries a script out with this library's reader. */
import { crc32 } from "node:zlib";
import {
  IncompleteReadError,
  LimitOverrunError,
  LineTooLongError,
  NotImplementedError,
  StreamReader,
  type BytesLike,
  type WaitOptions,
} from "asyncio-streams";
import { nextTurn } from "../../support/turns.js";
import {
  isRead,
  type Call,
  type Operation,
  type Piece,
  type ReadCall,
  type ReaderScript,
} from "./scripts.js";
import type { Outcome, ReaderStep } from "./trace.js";

/** Results above it are compared by length, checksum and ends, in bytes. */
const SHOWN_WHOLE = 64;
const SHOWN_ENDS = 16;

/** What a script sets as the reader's exception. */
class ScriptError extends Error {
  static {
    this.prototype.name = "ScriptError";
  }
}

export async function runOurs(
  { limit, operations }: ReaderScript,
  makeReader: (limit: number) => StreamReader = (size) => new StreamReader({ limit: size }),
): Promise<ReaderStep[]> {
  let reader: StreamReader;
  try {
    reader = makeReader(limit);
  } catch (error) {
    return [{ thrown: outcomeOf(error) }];
  }
  const run = new Run(
    reader,
    operations.findLastIndex(([name]) => name === "cancel"),
  );
  const steps: ReaderStep[] = [];
  for (const [index, operation] of operations.entries()) {
    // Nothing else gets to run before the next turn.
    if (operation[0] === "turn") steps.push(await run.turn());
    else steps.push(run.step(operation, index));
  }
  run.cancel();
  return steps;
}

class Run {
  readonly #reader: StreamReader;
  /** Reads that start behind it are given no signal. */
  readonly #lastCancel: number;
  readonly #cancels = new Map<number, () => void>();
  #settled: [read: number, outcome: Outcome][] = [];
  #calls = "";
  #reads = 0;

  constructor(reader: StreamReader, lastCancel: number) {
    this.#reader = reader;
    this.#lastCancel = lastCancel;
  }

  step(operation: Operation, index: number): ReaderStep {
    this.#calls = "";
    const thrown = this.#carryOut(operation, index < this.#lastCancel);
    return thrown === undefined ? this.#state() : { thrown, ...this.#state() };
  }

  async turn(): Promise<ReaderStep> {
    this.#calls = "";
    await nextTurn();
    const settled = this.#settled.sort(([a], [b]) => a - b);
    this.#settled = [];
    return { settled, ...this.#state() };
  }

  /** Every read that has not been seen to settle. */
  cancel(): void {
    for (const cancel of this.#cancels.values()) cancel();
  }

  // Steps.

  #carryOut(operation: Operation, canBeCancelled: boolean): Outcome | undefined {
    if (operation[0] === "turn") return undefined;
    if (operation[0] === "cancel") return this.cancel() as undefined;
    if (operation[0] === "next") return this.#next() as undefined;
    if (isRead(operation)) return this.#start(operation, canBeCancelled) as undefined;
    try {
      this.#call(operation);
      return undefined;
    } catch (error) {
      return outcomeOf(error);
    }
  }

  #call(call: Call): void {
    const reader = this.#reader;
    switch (call[0]) {
      case "feed":
        return reader.feedData(bytesOf(call[1]));
      case "eof":
        return reader.feedEof();
      case "exception":
        return reader.setException(new ScriptError(call[1]));
      case "transport":
        return reader.setTransport(this.#transport(call[1]));
    }
  }

  #transport(canPause: boolean): { pauseReading(): void; resumeReading(): void } {
    return {
      pauseReading: () => {
        this.#calls += "P";
        if (!canPause) throw new NotImplementedError("cannot pause");
      },
      resumeReading: () => {
        this.#calls += "R";
      },
    };
  }

  #start(operation: ReadCall, canBeCancelled: boolean): void {
    const controller = canBeCancelled ? new AbortController() : undefined;
    const options = controller && { signal: controller.signal };
    const outcome = read(this.#reader, operation, options).then((bytes) => ({ bytes: showBytes(bytes) }));
    this.#watch(outcome, () => controller?.abort());
  }

  /** A loop takes no signal: it is left, which ends the read that it waits for. */
  #next(): void {
    const iterator = this.#reader[Symbol.asyncIterator]();
    const outcome = iterator
      .next()
      .then(({ value }): Outcome => (value === undefined ? { done: true } : { bytes: showBytes(value) }));
    this.#watch(outcome, () => void iterator.return!());
  }

  #watch(outcome: Promise<Outcome>, cancel: () => void): void {
    const number = this.#reads++;
    this.#cancels.set(number, cancel);
    const settle = (result: Outcome) => {
      this.#cancels.delete(number);
      this.#settled.push([number, result]);
    };
    void outcome.then(settle, (error: unknown) => settle(outcomeOf(error)));
  }

  #state(): ReaderStep {
    const reader = this.#reader;
    return {
      calls: this.#calls,
      buffered: reader.bufferedBytes,
      atEof: reader.atEof(),
      exception: reader.exception()?.message ?? null,
    };
  }
}

async function read(reader: StreamReader, call: ReadCall, options: WaitOptions | undefined): Promise<Buffer> {
  if (call[0] === "read") return reader.read(call[1] as number, options);
  if (call[0] === "readExactly") return reader.readExactly(call[1] as number, options);
  if (call[0] !== "readUntil") return reader.readLine(options);
  const separators = call[1].map((text) => (text === null ? text : Buffer.from(text, "latin1")));
  return reader.readUntil((separators.length === 1 ? separators[0] : separators) as BytesLike, options);
}

function outcomeOf(thrown: unknown): Outcome {
  const { name: error, message } = thrown as Error;
  if (thrown instanceof IncompleteReadError) {
    return { error, message, partial: showBytes(thrown.partial), expected: thrown.expected ?? null };
  }
  if (thrown instanceof LimitOverrunError) return { error, message, consumed: thrown.consumed };
  if (thrown instanceof LineTooLongError) return { error, message, dropped: thrown.dropped };
  return { error, message };
}

function bytesOf(pieces: readonly Piece[]): Buffer {
  return Buffer.from(pieces.map(([text, times]) => text.repeat(times)).join(""), "latin1");
}

/** Large results as what tells them apart, as theirs.py does. */
function showBytes(bytes: Buffer): string {
  if (bytes.length <= SHOWN_WHOLE) return bytes.toString("latin1");
  const [start, end] = [bytes.subarray(0, SHOWN_ENDS), bytes.subarray(-SHOWN_ENDS)];
  return `${start.toString("latin1")}…${end.toString("latin1")}, ${bytes.length} bytes, ${crc32(bytes)}`;
}
