/** A loop over the lines of a reader, by rules of its own. */
import { LineCutter, type CutLine, type LineEnding, type LineRules } from "../bytes/line-cutter.js";
import { checkBoolean, checkLimit, checkOneOf, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import { WholeLines } from "../bytes/whole-lines.js";
import { END, iterate } from "./iterate.js";
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
  /**
   * Gives arrays of all the lines that are here already, of at least one. Lines of bytes may then be views on what arrived
   * together: copy one that you keep for long. Default false.
   */
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
  const rules = checkRules(given, buffer.limit);
  checkEncoding(encoding);
  const isBatched = checkBoolean("batches", batches);
  const { signal, timeout } = given;
  const isBounded = signal !== undefined || timeout !== undefined;
  const bounds = isBounded ? new Bounds("lines", { signal, timeout }, buffer.clock) : undefined;
  const source = new LineSource(buffer, rules, encoding);
  return iterate<Bytes | string | (Bytes | string)[]>(
    buffer,
    {
      begin: () => {
        buffer.begin("lines");
        source.begin();
      },
      take: () => {
        const taken = isBatched ? source.takeBatch() : source.takeLine();
        buffer.resumeIfFree();
        return taken;
      },
    },
    bounds,
  ) as AsyncIterableIterator<LinesOf<Options>, undefined>;
}

class LineSource {
  readonly #buffer: ReceiveBuffer;
  readonly #cutter: LineCutter;
  readonly #whole: WholeLines<Bytes | string> | undefined;
  readonly #encoding: BufferEncoding | undefined;
  /** Bytes have not come during this step: what is there was not looked at before. */
  #isFirstLook = true;

  constructor(buffer: ReceiveBuffer, rules: LineRules, encoding: BufferEncoding | undefined) {
    this.#buffer = buffer;
    this.#cutter = new LineCutter(rules);
    this.#whole = WholeLines.of(rules, encoding);
    this.#encoding = encoding;
  }

  /** Others may have taken from the queue since the last step. */
  begin(): void {
    this.#cutter.restart();
    this.#isFirstLook = true;
  }

  takeLine(): Bytes | string | typeof END | undefined {
    const isFirstLook = this.#isFirstLook;
    this.#isFirstLook = false;
    if (isFirstLook && this.#cutter.isAtLine) {
      const line = this.#whole?.take(this.#buffer.queue);
      if (line !== undefined) {
        this.#cutter.passed(1);
        return line;
      }
    }
    return this.#decode(this.#cutter.cut(this.#buffer.queue, this.#buffer.isEnded));
  }

  /** All that can be cut now, of at least one line. An error behind lines, or a line to skip, is met again by the next batch. */
  takeBatch(): (Bytes | string)[] | typeof END | undefined {
    const first = this.takeLine();
    if (first === undefined || first === END) return first;
    const lines = [first];
    try {
      while (this.#takeMore(lines));
    } catch {
      // It took nothing.
    }
    return lines;
  }

  /** Whether there were any. */
  #takeMore(lines: (Bytes | string)[]): boolean {
    const { queue, isEnded } = this.#buffer;
    const whole = this.#whole?.takeAll(queue);
    if (whole !== undefined) {
      for (const line of whole) lines.push(line);
      this.#cutter.passed(whole.length);
      return true;
    }
    const line = this.#decode(this.#cutter.cutWithoutSkipping(queue, isEnded));
    if (line === undefined || line === END) return false;
    lines.push(line);
    return true;
  }

  #decode(cut: CutLine): Bytes | string | typeof END | undefined {
    if (cut === "end") return END;
    return this.#encoding === undefined ? cut : cut?.toString(this.#encoding);
  }
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
