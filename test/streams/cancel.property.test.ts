import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  frames,
  IncompleteReadError,
  lengthPrefixed,
  LineTooLongError,
  readFrame,
  StreamReader,
  TimeoutError,
  type LinesOptions,
  type WaitOptions,
} from "asyncio-streams";
import type { Clock } from "#src/waiting/clock.js";
import * as fc from "fast-check";
import { bufferOf } from "../support/buffer-of.js";
import { nextTurn } from "../support/turns.js";

/** The same cases at each run; a failure prints the seed and the smallest case. */
const SEED = 1_970;

/** Time that passes only when a test says that all limits have passed. */
class LimitClock implements Clock {
  readonly #timers = new Set<() => void>();

  now(): number {
    return 0;
  }

  setTimer(_delay: number, callback: () => void): () => void {
    this.#timers.add(callback);
    return () => this.#timers.delete(callback);
  }

  passLimits(): void {
    for (const callback of this.#timers) callback();
    this.#timers.clear();
  }

  get pending(): number {
    return this.#timers.size;
  }
}

/** A reader, what it is fed with, and how far it must have come. */
class Tested {
  readonly clock = new LimitClock();
  readonly reader: StreamReader;
  readonly #input: Buffer;
  readonly #limit: number;
  #fed = 0;
  #isEnded = false;
  /** How many bytes of the input must have been consumed. */
  position = 0;

  constructor(input: Buffer, limit: number) {
    this.#input = input;
    this.#limit = limit;
    this.reader = new StreamReader({ limit }, this.clock);
  }

  /** How many bytes of the input the reader has consumed. */
  get consumed(): number {
    return this.#fed - this.reader.bufferedBytes;
  }

  get rest(): Buffer {
    return this.#input.subarray(this.position);
  }

  get isReadPending(): boolean {
    return / waiter\b/.test(String(this.reader));
  }

  get hasEnded(): boolean {
    return this.#isEnded;
  }

  feed(size: number): void {
    const chunk = this.#input.subarray(this.#fed, this.#fed + size);
    if (chunk.length === 0) return;
    // As a transport does whose memory is used again.
    const bytes = Buffer.from(chunk);
    const taken = bufferOf(this.reader).offer(bytes);
    if (taken < bytes.length) this.reader.feedData(Buffer.from(bytes.subarray(taken)));
    bytes.fill(0xff);
    this.#fed += chunk.length;
  }

  /** One byte more, or the end. */
  drip(): void {
    if (this.#fed < this.#input.length) this.feed(1);
    else this.end();
  }

  end(): void {
    this.feed(this.#input.length);
    this.reader.feedEof();
    this.#isEnded = true;
  }

  /** Another reader, which has all the rest at once. `position` is how many bytes of the input it has consumed. */
  reference(): { readonly reader: StreamReader; readonly position: () => number } {
    const reader = new StreamReader({ limit: this.#limit });
    reader.feedData(Buffer.from(this.rest));
    reader.feedEof();
    return { reader, position: () => this.#input.length - reader.bufferedBytes };
  }
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Called again and again, it waits for the next result each time. A loop has bounds of its own. */
type Call = (bounds?: WaitOptions) => Promise<unknown>;

/** What is called on a reader. `bounds` are for a loop. */
type Start = (reader: StreamReader, bounds?: WaitOptions) => Call;

interface RunningRead {
  readonly call: Call;
  /** Checks a result, and says how many bytes of the input must have been consumed. */
  readonly check: (outcome: Outcome) => number | Promise<number>;
  /** Says how many must have been consumed when a call was interrupted. Default: as many as before. */
  readonly interrupted?: () => number;
}

/** One read, or a loop of which so many results are asked for. */
interface Read {
  readonly name: string;
  readonly loops?: number;
  begin(tested: Tested): RunningRead;
}

const TIMEOUT = { timeout: 1 };

function settle(promise: Promise<unknown>): Promise<Outcome> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/** What must be the same however the bytes come. The message of an overrun tells whether its end was there already. */
function comparable(outcome: Outcome): unknown {
  if ("value" in outcome) return outcome.value;
  const { error } = outcome;
  if (error instanceof IncompleteReadError) return [String(error), error.partial];
  const isOverrun = /^(LimitOverrunError|LineTooLongError)/.test(String(error));
  return isOverrun ? (error as Error).name : String(error);
}

/** A read whose results do not depend on how the bytes come. What it drops of a long line, if it skips, may. */
function steady(name: string, start: Start, loops?: number, skips = false): Read {
  return {
    name,
    ...(loops !== undefined && { loops }),
    begin(tested) {
      const reference = tested.reference();
      const expect = start(reference.reader);
      return {
        call: start(tested.reader, TIMEOUT),
        async check(outcome) {
          assert.deepEqual(comparable(outcome), comparable(await settle(expect())));
          if ("error" in outcome) {
            if (skips) return tested.consumed;
            if (outcome.error instanceof LineTooLongError) return tested.position + outcome.error.dropped;
          }
          return reference.position();
        },
        ...(skips && { interrupted: () => tested.consumed }),
      };
    },
  };
}

/** A read that gives what is there, at most `size` bytes of it. */
function greedy(
  name: string,
  size: number,
  start: Start,
  { loops, peeks = false }: { loops?: number; peeks?: boolean } = {},
): Read {
  return {
    name,
    ...(loops !== undefined && { loops }),
    begin: (tested) => ({
      call: start(tested.reader, TIMEOUT),
      check(outcome) {
        assert.ok("value" in outcome, String(outcome));
        const bytes = outcome.value as Buffer;
        assert.ok(bytes.length <= size);
        assert.ok(bytes.length > 0 || size === 0 || (tested.hasEnded && tested.rest.length === 0));
        assert.deepEqual(bytes, tested.rest.subarray(0, bytes.length));
        return tested.position + (peeks ? 0 : bytes.length);
      },
    }),
  };
}

/** All lines that are there, which are those of a loop without batches. */
function batches(options: LinesOptions, loops: number): Read {
  const skips = options.onOverrun === "skip";
  return {
    name: `lines(${JSON.stringify({ ...options, batches: true })})`,
    loops,
    begin(tested) {
      const reference = tested.reference();
      const expected = reference.reader.lines(options);
      const loop = tested.reader.lines({ ...options, ...TIMEOUT, batches: true });
      return {
        call: () => loop.next(),
        async check(outcome) {
          const lines =
            "value" in outcome ? ((outcome.value as IteratorResult<unknown[]>).value ?? [undefined]) : [];
          for (const line of lines as unknown[]) assert.deepEqual(line, (await expected.next()).value);
          if ("value" in outcome) return reference.position();
          assert.deepEqual(comparable(outcome), comparable(await settle(expected.next())));
          return skips ? tested.consumed : tested.position;
        },
        ...(skips && { interrupted: () => tested.consumed }),
      };
    },
  };
}

/** A discard of so much that it drops the bytes as they come. */
function largeDiscard(size: number): Read {
  return {
    name: `discard(${size})`,
    begin(tested) {
      const dropped = () => {
        assert.ok(tested.consumed <= tested.position + size);
        return tested.consumed;
      };
      return {
        call: (bounds) => tested.reader.discard(size, bounds),
        check(outcome) {
          if ("value" in outcome) return tested.position + size;
          assert.ok(outcome.error instanceof IncompleteReadError && tested.rest.length < size);
          return tested.position + tested.rest.length;
        },
        interrupted: dropped,
      };
    },
  };
}

const FORMATS = [
  lengthPrefixed({ bytes: 1, maxFrame: 40 }),
  lengthPrefixed({ bytes: 2, endian: "little", includesPrefix: true, maxFrame: 300 }),
];
const SEPARATORS = ["\n", "\r\n", ["\n", "\r\n"], ["ab", "b"], ["aab", "ab"], "\r\r\n"];

const sizes = fc.integer({ min: 0, max: 24 });
const loopCounts = fc.integer({ min: 1, max: 4 });
const linesOptions: fc.Arbitrary<LinesOptions> = fc.record(
  {
    limit: fc.integer({ min: 1, max: 12 }),
    keepEnds: fc.boolean(),
    eol: fc.constantFrom("lf", "crlf", "crlf-strict"),
    onOverrun: fc.constantFrom("throw", "skip"),
    encoding: fc.constantFrom("latin1", "hex"),
  },
  { requiredKeys: [] },
);

function steadyReads(limit: number): fc.Arbitrary<Read> {
  const ofSize = (name: "readExactly" | "peekExactly" | "discard", most = 24) =>
    fc
      .integer({ min: 0, max: Math.min(24, most) })
      .map((size) => steady(`${name}(${size})`, (reader) => (bounds) => reader[name](size, bounds)));
  return fc.oneof(
    ofSize("readExactly"),
    ofSize("peekExactly"),
    ofSize("discard", 2 * limit),
    fc
      .constantFrom(...SEPARATORS)
      .map((separator) =>
        steady(
          `readUntil(${JSON.stringify(separator)})`,
          (reader) => (bounds) => reader.readUntil(separator, bounds),
        ),
      ),
    fc.constant(steady("readLine()", (reader) => (bounds) => reader.readLine(bounds))),
    fc.constant(steady("read()", (reader) => (bounds) => reader.read(-1, bounds))),
    fc
      .constantFrom(...FORMATS)
      .map((format) =>
        steady(`readFrame(${format.bytes})`, (reader) => (bounds) => readFrame(reader, format, bounds)),
      ),
    fc.tuple(fc.constantFrom(...FORMATS), loopCounts).map(([format, loops]) => {
      const start: Start = (reader, bounds) => {
        const loop = frames(reader, format, bounds);
        return () => loop.next();
      };
      return steady(`frames(${format.bytes})`, start, loops);
    }),
    fc.tuple(linesOptions, loopCounts).map(([options, loops]) => {
      const start: Start = (reader, bounds) => {
        const loop = reader.lines({ ...options, ...bounds });
        return () => loop.next();
      };
      return steady(`lines(${JSON.stringify(options)})`, start, loops, options.onOverrun === "skip");
    }),
  );
}

function otherReads(limit: number): fc.Arbitrary<Read> {
  return fc.oneof(
    sizes.map((size) => greedy(`read(${size})`, size, (reader) => (bounds) => reader.read(size, bounds))),
    sizes.map((size) =>
      greedy(`peek(${size})`, size, (reader) => (bounds) => reader.peek(size, bounds), { peeks: true }),
    ),
    sizes.map((size) =>
      greedy(`readInto(${size})`, size, (reader) => async (bounds) => {
        const view = Buffer.alloc(size);
        return view.subarray(0, await reader.readInto(view, bounds));
      }),
    ),
    loopCounts.map((loops) => {
      const start: Start = (reader, bounds) => {
        const loop = reader.chunks(bounds);
        return async () => (await loop.next()).value ?? Buffer.alloc(0);
      };
      return greedy("chunks()", Infinity, start, { loops });
    }),
    fc.tuple(linesOptions, loopCounts).map(([options, loops]) => batches(options, loops)),
    fc.integer({ min: 2 * limit + 1, max: 2 * limit + 24 }).map(largeDiscard),
  );
}

/** What happens while a read is called: with nothing between two steps, both come in the same tick. */
type Step =
  | { readonly kind: "feed"; readonly size: number }
  | { readonly kind: "microtask" }
  | { readonly kind: "turn" }
  /** `again`: called anew at once, before the interrupted call has heard of it. */
  | { readonly kind: "abort" | "time out"; readonly again: boolean };

const feed: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("feed" as const),
  size: fc.integer({ min: 1, max: 16 }),
});
const pause: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom("microtask" as const, "turn" as const) });
const interrupt: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("abort" as const, "time out" as const),
  again: fc.boolean(),
});

interface Case {
  readonly input: Buffer;
  readonly limit: number;
  readonly reads: readonly { readonly read: Read; readonly steps: readonly Step[] }[];
}

function cases(reads: (limit: number) => fc.Arbitrary<Read>, step: fc.Arbitrary<Step>): fc.Arbitrary<Case> {
  const bytes = fc.constantFrom(...Buffer.from("aaabbb\r\n\n\n\0\x01\x02\x05"), 13);
  return fc.constantFrom(1, 3, 8, 20, 1_000).chain((limit) =>
    fc.record({
      input: fc.array(bytes, { maxLength: 120 }).map((list) => Buffer.from(list)),
      limit: fc.constant(limit),
      reads: fc.array(fc.record({ read: reads(limit), steps: fc.array(step, { maxLength: 6 }) }), {
        minLength: 1,
        maxLength: 10,
      }),
    }),
  );
}

/** One call of a read. */
class Attempt {
  readonly outcome: Promise<Outcome>;
  isSettled = false;
  readonly #controller = new AbortController();

  constructor(call: Call) {
    this.outcome = settle(call({ signal: this.#controller.signal, ...TIMEOUT })).finally(() => {
      this.isSettled = true;
    });
  }

  abort(): void {
    this.#controller.abort("interrupted");
  }
}

function isInterruption(outcome: Outcome): boolean {
  if (!("error" in outcome)) return false;
  return outcome.error === "interrupted" || outcome.error instanceof TimeoutError;
}

/** One result of a read, however often it is interrupted before. */
async function runOnce(
  tested: Tested,
  { call, check, interrupted }: RunningRead,
  isLoop: boolean,
  steps: Step[],
): Promise<void> {
  const assertConsumed = () => {
    if (interrupted !== undefined) tested.position = interrupted();
    assert.equal(tested.consumed, tested.position, "an interrupted read has consumed something");
  };
  let attempt = new Attempt(call);
  for (let step = steps.shift(); !attempt.isSettled && step !== undefined; step = steps.shift()) {
    if (step.kind === "feed") tested.feed(step.size);
    else if (step.kind === "microtask") await Promise.resolve();
    else if (step.kind === "turn") await nextTurn();
    else {
      const hasToEnd = tested.isReadPending;
      if (step.kind === "abort" && !isLoop) attempt.abort();
      else tested.clock.passLimits();
      if (!hasToEnd) continue;
      assertConsumed();
      const before = attempt;
      if (step.again) attempt = new Attempt(call);
      assert.ok(isInterruption(await before.outcome), "it was woken, and ends all the same");
      if (step.again) continue;
      assertConsumed();
      attempt = new Attempt(call);
    }
  }
  while (!attempt.isSettled && tested.isReadPending && !tested.hasEnded) {
    tested.drip();
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
  }
  tested.position = await check(await attempt.outcome);
  assert.equal(tested.consumed, tested.position, "it has consumed what it gave, and no more");
}

async function run({ input, limit, reads }: Case): Promise<void> {
  const tested = new Tested(input, limit);
  for (const { read, steps } of reads) {
    const running = read.begin(tested);
    const left = [...steps];
    for (let count = 0; count < (read.loops ?? 1); count++) {
      await runOnce(tested, running, read.loops !== undefined, left);
    }
    assert.equal(tested.clock.pending, 0, "a timer is left");
  }
  if (!tested.hasEnded) tested.end();
  assert.deepEqual(await tested.reader.read(), tested.rest, "what was not read is still there");
}

/** For the report of a failure. */
function show({ input, limit, reads }: Case): string {
  const calls = reads.map(({ read, steps }) => `${read.name} * ${read.loops ?? 1} ${JSON.stringify(steps)}`);
  return [JSON.stringify(input.toString("latin1")), `limit ${limit}`, ...calls].join("\n");
}

async function check(arbitrary: fc.Arbitrary<Case>, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(arbitrary, run);
  const result = await fc.check(property, { seed: SEED, numRuns });
  if (!result.failed) return;
  const smallest = result.counterexample?.[0];
  const report = `seed ${result.seed}, path ${result.counterexamplePath}\n${smallest === undefined ? "" : show(smallest)}`;
  throw new Error(report, { cause: result.errorInstance });
}

describe("the reads of StreamReader", () => {
  it("every split: the results are the same, however the bytes come", () =>
    check(cases(steadyReads, fc.oneof(feed, pause)), 500));

  it("every cancel point: aborted or timed out at any moment, and repeated, they lose and repeat no byte", () =>
    check(
      cases(
        (limit) => fc.oneof(steadyReads(limit), otherReads(limit)),
        fc.oneof(feed, feed, pause, interrupt),
      ),
      900,
    ));
});

describe("lines()", () => {
  const limited = { limit: 2, eol: "crlf-strict" } as const;

  it("crlf-strict: a line above the limit is LineTooLongError, also when a bare CR or LF behind the limit is here", async () => {
    for (const chunk of ["aaa", "aaa\n", "aaa\rb"]) {
      const reader = new StreamReader();
      reader.feedData(Buffer.from(chunk));
      await assert.rejects(reader.lines(limited).next(), LineTooLongError);
    }
  });

  it("batches: true drops nothing of a line that is to be skipped before the batch in front of it was given", async () => {
    const reader = new StreamReader();
    reader.feedData(Buffer.from("ok\ntoo long"));
    const lines = reader.lines({ limit: 4, onOverrun: "skip", encoding: "latin1", batches: true });
    for await (const batch of lines) {
      assert.deepEqual(batch, ["ok"]);
      break;
    }
    assert.equal((await reader.readExactly(8)).toString(), "too long");
  });
});
