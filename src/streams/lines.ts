/** A loop over the lines of a reader, by rules of its own. */
import { LineCutter, type CutLine, type LineEnding, type LineRules } from "../bytes/line-cutter.js";
import { checkBoolean, checkLimit, checkOneOf, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import { iterate } from "./iterate.js";
import type { ReceiveBuffer } from "./receive-buffer.js";

type Bytes = Buffer<ArrayBuffer>;

/** The bounds count for each line, or batch, on its own. */
export interface LinesOptions extends WaitOptions {
  /** Bytes that may stand before the end of a line. Default: the reader's limit. */
  readonly limit?: number | undefined;
  /** Whether lines keep their end. Default false. */
  readonly keepEnds?: boolean | undefined;
  /** Gives strings, decoded with it. Not UTF-16, where the byte of a newline can be a part of another character. */
  readonly encoding?: BufferEncoding | undefined;
  /**
   * `"lf"`: a line ends with `"\n"`. `"crlf"`: with `"\r\n"`; a CR or an LF alone is part of it. `"crlf-strict"`: with
   * `"\r\n"`, and a CR or an LF alone is a LineEndingError, so that nobody can read lines here that others do not.
   * Default `"lf"`.
   */
  readonly eol?: LineEnding | undefined;
  /**
   * A line above the limit: `"throw"` rejects with LineTooLongError and leaves it in the buffer; `"skip"` drops it as it
   * comes and goes on with the next, also when a step was aborted meanwhile: but then only the same loop knows what is left
   * to drop. Default `"throw"`.
   */
  readonly onOverrun?: "throw" | "skip" | undefined;
  /** Gives arrays of all the lines that are here already, of at least one. Default false. */
  readonly batches?: boolean | undefined;
}

/** What a loop over lines gives: bytes, or strings with `encoding`; arrays of them with `batches`. */
export type LinesOf<Options> =
  Given<Options, "batches"> extends infer Batches
    ? Batches extends true
      ? Line<Options>[]
      : Line<Options>
    : never;
type Line<Options> =
  Given<Options, "encoding"> extends infer Encoding ? (Encoding extends string ? string : Bytes) : never;
/** The type of an option, `undefined` if it is not there: of options that are known only at run time, each that is possible. */
type Given<Options, Name> = Name extends keyof Options ? Options[Name] : undefined;

const NAMES = ["signal", "timeout", "limit", "keepEnds", "encoding", "eol", "onOverrun", "batches"] as const;

export function linesOf<const Options extends LinesOptions>(
  buffer: ReceiveBuffer,
  options: Options | undefined,
): AsyncIterableIterator<LinesOf<Options>, undefined> {
  const given = checkOptions<LinesOptions>("lines()", options, NAMES);
  const { encoding, batches = false } = given;
  const cutter = new LineCutter(checkRules(given, buffer.limit));
  checkEncoding(encoding);
  const bounds = new Bounds("lines", given, buffer.clock);
  const one = () => cutter.cut(buffer.queue, buffer.isEnded);
  const another = () => cutter.cutWithoutSkipping(buffer.queue, buffer.isEnded);
  const attempt = checkBoolean("batches", batches) ? () => batch(one, another) : one;
  const decode = (line: Bytes) => (encoding === undefined ? line : line.toString(encoding));
  const read = async () => {
    bounds.throwIfAborted();
    buffer.begin("lines");
    cutter.restart();
    const cut = await buffer.take<Bytes | Bytes[] | "end">(() => {
      const result = attempt();
      buffer.resumeIfFree();
      return result;
    }, bounds);
    if (cut === "end") return undefined;
    return Array.isArray(cut) ? cut.map(decode) : decode(cut);
  };
  return iterate(read as () => Promise<LinesOf<Options> | undefined>, () => buffer.pendingRead);
}

/** All that can be cut now. An error behind lines, or a line to skip, is met again by the next batch. */
function batch(one: () => CutLine, another: () => CutLine): Bytes[] | "end" | undefined {
  const first = one();
  if (first === undefined || first === "end") return first;
  const lines = [first];
  try {
    for (let line = another(); line !== undefined && line !== "end"; line = another()) lines.push(line);
  } catch {
    // It took nothing.
  }
  return lines;
}

function checkRules(options: LinesOptions, readerLimit: number): LineRules {
  const { limit = readerLimit, keepEnds = false, eol = "lf", onOverrun = "throw" } = options;
  return {
    limit: checkLimit(limit),
    keepEnds: checkBoolean("keepEnds", keepEnds),
    eol: checkOneOf("eol", eol, ["lf", "crlf", "crlf-strict"]),
    onOverrun: checkOneOf("onOverrun", onOverrun, ["throw", "skip"]),
  };
}

function checkEncoding(encoding: unknown): void {
  if (encoding === undefined) return;
  if (typeof encoding !== "string") throw new TypeError(`encoding must be a string, not ${kindOf(encoding)}`);
  if (!Buffer.isEncoding(encoding)) throw new RangeError(`encoding is unknown: ${kindOf(encoding)}`);
  if (/^(utf-?16le|ucs-?2)$/i.test(encoding)) {
    throw new RangeError(
      `encoding must not be UTF-16, which cannot be cut at bytes, got ${kindOf(encoding)}`,
    );
  }
}
