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

export class LineCutter {
  readonly #rules: LineRules;
  #search: SeparatorSearch;
  /** Of the line that is being cut: which one it is, from 1 on, and how much of it was skipped. */
  #line = 1;
  #skipped = 0;

  constructor(rules: LineRules) {
    this.#rules = rules;
    this.#search = new SeparatorSearch(SEPARATORS[rules.eol]);
  }

  /** Forgets how far it has looked: others may have taken from the queue. */
  restart(): void {
    this.#search = new SeparatorSearch(SEPARATORS[this.#rules.eol]);
  }

  /**
   * The next line of `queue`; an unfinished one once `isEnded`. An error takes nothing from the queue.
   *
   * @throws LineTooLongError, unless such lines are skipped; LineEndingError
   */
  cut(queue: ByteQueue, isEnded: boolean): CutLine {
    for (;;) {
      const match = this.#find(queue, isEnded);
      if (!this.#isTooLong(match)) return this.#takeFound(queue, match, isEnded);
      if (this.#rules.onOverrun === "throw") throw this.#tooLong(match !== undefined);
      this.#skip(queue, match, isEnded);
      if (match === undefined) return isEnded ? "end" : undefined;
    }
  }

  /** As `cut`, but a line above the limit stays where it is, and is `undefined`. @throws LineEndingError */
  cutWithoutSkipping(queue: ByteQueue, isEnded: boolean): CutLine {
    const match = this.#find(queue, isEnded);
    return this.#isTooLong(match) ? undefined : this.#takeFound(queue, match, isEnded);
  }

  #isTooLong(match: SeparatorMatch | undefined): boolean {
    return this.#skipped > 0 || (match?.start ?? this.#search.clean) > this.#rules.limit;
  }

  #takeFound(queue: ByteQueue, match: SeparatorMatch | undefined, isEnded: boolean): CutLine {
    if (match !== undefined) return this.#take(queue, match.start, match.end);
    if (!isEnded) return undefined;
    return queue.length === 0 ? "end" : this.#take(queue, queue.length, queue.length);
  }

  #take(queue: ByteQueue, length: number, size: number): Buffer<ArrayBuffer> {
    this.#line++;
    this.restart();
    if (this.#rules.keepEnds) return queue.take(size);
    const line = queue.take(length);
    queue.skip(size - length);
    return line;
  }

  /** Drops a line above the limit through its end, or all of it that is here. */
  #skip(queue: ByteQueue, match: SeparatorMatch | undefined, isEnded: boolean): void {
    const size = match?.end ?? (isEnded ? queue.length : this.#search.clean);
    queue.skip(size);
    this.restart();
    this.#skipped += size;
    if (match === undefined) return;
    this.#skipped = 0;
    this.#line++;
  }

  #find(queue: ByteQueue, isEnded: boolean): SeparatorMatch | undefined {
    const match = this.#search.find(queue);
    if (match === undefined || this.#rules.eol !== "crlf-strict") return match;
    const { start, end } = match;
    if (queue.byteAt(start) === LF) throw this.#bare("LF", start);
    if (end === queue.length && !isEnded) return undefined;
    if (end === queue.length || queue.byteAt(end) !== LF) throw this.#bare("CR", start);
    return { start, end: end + 1 };
  }

  /** Behind the limit it does not count: with fewer bytes here, it would not have been found. */
  #bare(found: "CR" | "LF", start: number): LineEndingError | LineTooLongError {
    const { onOverrun, limit } = this.#rules;
    if (onOverrun === "throw" && start > limit) return this.#tooLong(true);
    return new LineEndingError(found, this.#line, this.#skipped + start);
  }

  #tooLong(isFound: boolean): LineTooLongError {
    const reason = isFound ? "Line is longer than the limit" : "Line has no end within the limit";
    return new LineTooLongError(reason, this.#rules.limit, 0);
  }
}
