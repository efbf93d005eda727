/** Whether a parser depends on how its input was cut. */
import { inspect, isDeepStrictEqual } from "node:util";
import { toBytes } from "../bytes/to-bytes.js";
import { checkFunction, checkInteger, checkLimit, checkOptions, checkTimeout } from "../checks.js";
import { toError } from "../errors.js";
import { DEFAULT_LIMIT, type FlowControl } from "../streams/receive-buffer.js";
import { StreamReader } from "../streams/stream-reader.js";
import type { BytesLike } from "../transport/transport.js";
import { systemClock, type Clock } from "../waiting/clock.js";
import { SplitError } from "./errors.js";
import { quote } from "./show-bytes.js";
import { splitsOf } from "./splits.js";

/** What `everySplit()` takes besides input and parser. */
export interface EverySplitOptions {
  /** Inputs of up to this many bytes are cut in all 2^(n-1) ways; at most 20. Default 12, which are 2 048. */
  readonly exhaustive?: number | undefined;
  /** How many random splits of a longer input are tried. Default 200. */
  readonly samples?: number | undefined;
  /** Equal seeds try equal splits. Default 1. */
  readonly seed?: number | undefined;
  /** The reader's limit, in bytes. Default 65 536. */
  readonly limit?: number | undefined;
  /** How long the parser may take with one split, in ms. Default 2 000. */
  readonly timeout?: number | undefined;
  /** What `timeout` and the reader's time-outs go by. Default: the system's. */
  readonly clock?: Clock | undefined;
}

interface Outcome {
  readonly result: unknown;
  /** What the parser has left. */
  readonly rest: Buffer;
}

const DEFAULTS = { exhaustive: 12, samples: 200, seed: 1, timeout: 2_000 } as const;

/** As many bytes before and behind a cut are shown, and as many cuts. */
const SHOWN_BYTES = 12;
const SHOWN_CUTS = 8;

/** As many characters of a result are shown, some of them before the difference. */
const SHOWN_RESULT = 240;
const SHOWN_BEFORE = 60;

/**
 * Runs `parse` on `input` cut in many ways, and expects the same each time: what it returns, and which bytes it leaves
 * unread. The reader gets the next piece when a read needs it, and the end of the stream after the last one.
 *
 * ```ts
 * await everySplit("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", async (reader) => {
 *   const head = await reader.readUntil("\r\n\r\n");
 *   return head.toString();
 * });
 * ```
 *
 * Short inputs are cut in every way. Longer ones at each single place, at each pair of places near bytes that look like
 * separators, lengths or characters of several bytes, between all bytes, and at random places; of more than 2 000 of a kind,
 * 2 000 by chance. What `parse` returns is compared as `assert.deepStrictEqual` does. It must not throw: a parser
 * that has to refuse the input is tested by returning what it threw.
 *
 * Resolves with the number of ways that were tried.
 *
 * @throws SplitError for the first difference, of few cuts if there is one with few
 * @throws TypeError or RangeError for wrong arguments
 */
export async function everySplit(
  input: BytesLike,
  parse: (reader: StreamReader) => unknown,
  options?: EverySplitOptions,
): Promise<number> {
  const bytes = Buffer.from(toBytes(input));
  checkFunction("parse", parse);
  const settings = checkSettings(options);
  const run = (cuts: readonly number[]) => parsePieces(bytes, cuts, parse, settings);

  const whole = await run([]);
  let tried = 1;
  for (const cuts of splitsOf(bytes, settings)) {
    tried++;
    const outcome = await run(cuts);
    if (!isDeepStrictEqual(outcome, whole)) throw difference(bytes, cuts, settings.seed, outcome, whole);
  }
  return tried;
}

type Settings = ReturnType<typeof checkSettings>;

function checkSettings(options: unknown) {
  const given = checkOptions<EverySplitOptions>("everySplit()", options, [
    "exhaustive",
    "samples",
    "seed",
    "limit",
    "timeout",
    "clock",
  ]);
  return {
    exhaustive: checkInteger("exhaustive", given.exhaustive ?? DEFAULTS.exhaustive, 0, 20),
    samples: checkInteger("samples", given.samples ?? DEFAULTS.samples, 0),
    seed: checkInteger("seed", given.seed ?? DEFAULTS.seed, Number.MIN_SAFE_INTEGER),
    limit: checkLimit(given.limit ?? DEFAULT_LIMIT),
    timeout: checkTimeout("timeout", given.timeout ?? DEFAULTS.timeout),
    clock: given.clock ?? systemClock,
  };
}

/** @throws SplitError if the parser throws, or does not come to an end */
async function parsePieces(
  input: Buffer,
  cuts: readonly number[],
  parse: (reader: StreamReader) => unknown,
  { limit, timeout, clock, seed }: Settings,
): Promise<Outcome> {
  const reader = new StreamReader({ limit }, clock);
  const feeder = new PieceFeeder(reader, cutAt(input, cuts));
  const fail = (problem: string, cause?: unknown) =>
    new SplitError(`The parser ${problem}\n${showSplit(input, cuts, seed)}`, cuts, seed, cause);
  const parsed = async () => {
    try {
      return await parse(reader);
    } catch (error) {
      throw fail(`threw ${String(toError(error))}`, error);
    }
  };
  let cancelTimer = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancelTimer = clock.setTimer(timeout, () => reject(fail(`has not come to an end within ${timeout} ms`)));
  });
  try {
    const result = await Promise.race([parsed(), late]);
    return { result, rest: feeder.rest() };
  } finally {
    cancelTimer();
  }
}

/** Feeds a reader piece by piece, each when a read needs more than there is. */
class PieceFeeder implements FlowControl {
  readonly #reader: StreamReader;
  readonly #pieces: Buffer[];
  #isFeeding = false;

  constructor(reader: StreamReader, pieces: Buffer[]) {
    this.#reader = reader;
    this.#pieces = pieces;
    StreamReader.bufferOf(reader).controlFlowBy(this);
  }

  /** All that was not read, fed or not. */
  rest(): Buffer {
    const { queue } = StreamReader.bufferOf(this.#reader);
    return Buffer.concat([queue.peek(queue.length), ...this.#pieces]);
  }

  get isFull(): boolean {
    return false;
  }

  becomesFull(): boolean {
    return false;
  }

  becomesFree(): boolean {
    return false;
  }

  release(): boolean {
    if (!this.#isFeeding) queueMicrotask(() => this.#feed());
    this.#isFeeding = true;
    return false;
  }

  /** A copy each time: what a parser does to its bytes does not show in the next run. */
  #feed(): void {
    this.#isFeeding = false;
    const piece = this.#pieces.shift();
    if (piece === undefined) this.#reader.feedEof();
    else this.#reader.feedData(Buffer.from(piece));
  }
}

function cutAt(input: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts, input.length];
  return edges
    .slice(1)
    .flatMap((end, index) => (end > edges[index]! ? [input.subarray(edges[index], end)] : []));
}

function difference(
  input: Buffer,
  cuts: readonly number[],
  seed: number,
  outcome: Outcome,
  whole: Outcome,
): SplitError {
  const lines = ["The parser depends on where its input is cut", showSplit(input, cuts, seed)];
  if (!isDeepStrictEqual(outcome.result, whole.result)) {
    const [given, expected] = showDifference(show(outcome.result), show(whole.result));
    lines.push(`  gives           ${given}`, `  and uncut       ${expected}`);
  }
  if (!outcome.rest.equals(whole.rest)) {
    lines.push(`  leaves unread   ${quote(outcome.rest)}`, `  and uncut       ${quote(whole.rest)}`);
  }
  return new SplitError(lines.join("\n"), cuts, seed);
}

function show(result: unknown): string {
  return inspect(result, { depth: 8, maxArrayLength: null, maxStringLength: null, breakLength: Infinity });
}

/** Both texts; of long ones, what is around the first difference. */
function showDifference(one: string, other: string): [string, string] {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const start = Math.max(0, at - SHOWN_BEFORE);
  const part = (text: string) => {
    const end = start + SHOWN_RESULT;
    return `${start > 0 ? "… " : ""}${text.slice(start, end)}${text.length > end ? " …" : ""}`;
  };
  return one.length <= SHOWN_RESULT && other.length <= SHOWN_RESULT ? [one, other] : [part(one), part(other)];
}

/** `"ab|c|def"`, of a long input what is around the cuts; `¦` when the input has a `|`. */
function showSplit(input: Buffer, cuts: readonly number[], seed: number): string {
  if (cuts.length === 0) return `  uncut           ${quote(input)}`;
  const shown = cuts.slice(0, SHOWN_CUTS);
  const edges = [0, ...shown, cuts[SHOWN_CUTS] ?? input.length];
  const pieces = edges.slice(1).map((end, index) => {
    const piece = input.toString("latin1", edges[index], end);
    if (piece.length <= 2 * SHOWN_BYTES + 3) return escape(piece);
    return `${escape(piece.slice(0, SHOWN_BYTES))} … ${escape(piece.slice(-SHOWN_BYTES))}`;
  });
  const text = pieces.join(input.includes("|") ? "¦" : "|");
  const more = cuts.length > SHOWN_CUTS ? ` and ${cuts.length - SHOWN_CUTS} more cuts` : "";
  return `  cut like this   "${text}"${more}\n  cut at          ${shown.join(", ")}${more} (seed ${seed})`;
}

/** As in a string of JavaScript; bytes above ASCII as `\xNN`. */
function escape(piece: string): string {
  return JSON.stringify(piece)
    .slice(1, -1)
    .replace(/[\x7f-\xff]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
