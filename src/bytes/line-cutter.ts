/** Cuts a byte queue into lines, by the rules of one loop over them. */
import { LineEndingError, LineTooLongError } from "../errors.js";
import type { ByteQueue } from "./byte-queue.js";
import { SeparatorSearch, type SeparatorMatch } from "./separator-search.js";

/**
 * What ends a line: `"lf"` is `"\n"`; `"crlf"` is `"\r\n"`, and a CR or an LF alone is part of the line;
 * `"crlf-strict"` is `"\r\n"`, and a CR or an LF alone is an error.
 */
export type LineEnding = "lf" | "crlf" | "crlf-strict";

export interface LineRules {
  readonly eol: LineEnding;
  /** Bytes that may stand before the end of a line. */
  readonly limit: number;
  /** Whether lines keep their end. */
  readonly keepEnds: boolean;
  /** What becomes of a line above the limit. */
  readonly onOverrun: "throw" | "skip";
}

const CR = 0x0d;
const LF = 0x0a;

const SEPARATORS: Readonly<Record<LineEnding, readonly Uint8Array[]>> = {
  lf: [Uint8Array.of(LF)],
  crlf: [Uint8Array.of(CR, LF)],
  "crlf-strict": [Uint8Array.of(CR), Uint8Array.of(LF)],
};

/** `undefined`: more bytes are needed; `"end"`: there is no further line. */
export type CutLine = Buffer<ArrayBuffer> | "end" | undefined;

/** The end of a line, or what stands there instead. */
interface LineEnd extends SeparatorMatch {
  readonly bare?: "CR" | "LF";
}

export class LineCutter {
  readonly #rules: LineRules;
  readonly #search: SeparatorSearch;
  /** Of the line that is being cut: which one it is, from 1 on, and how many of its bytes were skipped. */
  #line = 1;
  #skipped = 0;

  constructor(rules: LineRules) {
    this.#rules = rules;
    this.#search = new SeparatorSearch(SEPARATORS[rules.eol]);
  }

  /** Forgets how far it has looked: others may have taken from the queue. */
  restart(): void {
    this.#search.restart();
  }

  /** Whether the queue begins with a line, and not behind the part of one that was skipped. */
  get isAtLine(): boolean {
    return this.#skipped === 0;
  }

  /** So many lines were taken by somebody else. */
  passed(lines: number): void {
    this.#line += lines;
    this.restart();
  }

  /**
   * The next line of `queue`; an unfinished one once `isEnded`. An error takes nothing from the queue, and which one it is
   * does not depend on how the bytes came.
   *
   * @throws LineTooLongError, unless such lines are skipped; LineEndingError
   */
  cut(queue: ByteQueue, isEnded: boolean): CutLine {
    const { limit, onOverrun } = this.#rules;
    for (;;) {
      const end = this.#findEnd(queue, isEnded);
      const before = this.#before(queue, end, isEnded);
      const isTooLong = this.#skipped > 0 || before > limit;
      if (isTooLong && onOverrun === "throw") throw this.#tooLong(end !== undefined);
      if (end?.bare !== undefined) throw this.#bareEnd(end.bare, end.start);
      if (!isTooLong) return this.#take(queue, end, isEnded);
      this.#skip(queue, end?.end ?? before, end !== undefined);
      if (end === undefined) return isEnded ? "end" : undefined;
    }
  }

  /** As `cut`, but a line above the limit stays where it is, and is `undefined`. @throws LineEndingError */
  cutWithoutSkipping(queue: ByteQueue, isEnded: boolean): CutLine {
    const end = this.#findEnd(queue, isEnded);
    if (this.#skipped > 0 || this.#before(queue, end, isEnded) > this.#rules.limit) return undefined;
    if (end?.bare !== undefined) throw this.#bareEnd(end.bare, end.start);
    return this.#take(queue, end, isEnded);
  }

  /** How many bytes the line has at least. */
  #before(queue: ByteQueue, end: LineEnd | undefined, isEnded: boolean): number {
    return end?.start ?? (isEnded ? queue.length : this.#search.clean);
  }

  #take(queue: ByteQueue, end: LineEnd | undefined, isEnded: boolean): CutLine {
    if (end === undefined && !isEnded) return undefined;
    if (queue.length === 0) return "end";
    const { start, end: through } = end ?? { start: queue.length, end: queue.length };
    this.#line++;
    this.restart();
    if (this.#rules.keepEnds) return queue.take(through);
    const line = queue.take(start);
    queue.skip(through - start);
    return line;
  }

  /** Drops `size` bytes of a line above the limit: through its end, or all that is here. */
  #skip(queue: ByteQueue, size: number, isWhole: boolean): void {
    queue.skip(size);
    this.restart();
    this.#skipped = isWhole ? 0 : this.#skipped + size;
    if (isWhole) this.#line++;
  }

  #findEnd(queue: ByteQueue, isEnded: boolean): LineEnd | undefined {
    const match = this.#search.find(queue);
    if (match === undefined || this.#rules.eol !== "crlf-strict") return match;
    const { start, end } = match;
    if (queue.byteAt(start) === LF) return { start, end, bare: "LF" };
    if (end === queue.length && !isEnded) return undefined;
    if (end === queue.length || queue.byteAt(end) !== LF) return { start, end, bare: "CR" };
    return { start, end: end + 1 };
  }

  #bareEnd(found: "CR" | "LF", start: number): LineEndingError {
    return new LineEndingError(found, this.#line, this.#skipped + start);
  }

  #tooLong(isFound: boolean): LineTooLongError {
    const reason = isFound ? "Line is longer than the limit" : "Line has no end within the limit";
    return new LineTooLongError(reason, this.#rules.limit, 0);
  }
}
