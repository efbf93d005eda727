/** Cuts at once all the whole lines of what arrived together, unless one of them needs a closer look. */
import type { ByteQueue } from "./byte-queue.js";
import type { LineRules } from "./line-cutter.js";

type Bytes = Buffer<ArrayBuffer>;

/** Encodings in which the end of a line is the same in the text as in the bytes. */
const LINE_ENCODINGS: readonly string[] = ["utf8", "utf-8", "latin1", "binary"];

/** The end of a line that is none, for `"crlf-strict"`. */
const BARE_END = /\r(?!\n)|(?<!\r)\n/;

/** UTF-8 has up to three bytes for what is one unit of a string. */
const MOST_BYTES_OF_A_UNIT = 3;

/** Who takes a few lines, and then something else, is not to pay for all that are there: one looks further each time. */
const FIRST_WINDOW = 512;

/** Lines are bytes or, with an encoding, strings. Only LineCutter knows all rules; this knows when they make no difference. */
export class WholeLines<Line extends Bytes | string> {
  readonly #rules: LineRules;
  readonly #encoding: BufferEncoding | undefined;
  readonly #end: "\n" | "\r\n";
  /** Cut, and still in the queue, from `#next` on, as long as the head of that has not moved from `#movedTo`. */
  #lines: readonly Line[] = [];
  #next = 0;
  #movedTo = -1;
  #window = FIRST_WINDOW;
  /** Before the head of the queue has moved so far, a line needs a closer look. */
  #carefulUntil = 0;

  private constructor(rules: LineRules, encoding: BufferEncoding | undefined) {
    this.#rules = rules;
    this.#encoding = encoding;
    this.#end = rules.eol === "lf" ? "\n" : "\r\n";
  }

  /** `undefined` for an encoding in which lines cannot be cut as text. */
  static of<Line extends Bytes | string>(
    rules: LineRules,
    encoding: BufferEncoding | undefined,
  ): WholeLines<Line> | undefined {
    const canCut = encoding === undefined || LINE_ENCODINGS.includes(encoding.toLowerCase());
    return canCut ? new WholeLines(rules, encoding) : undefined;
  }

  /** The next line, which leaves the queue; `undefined` if there is none that can be cut this way. */
  take(queue: ByteQueue): Line | undefined {
    const isUndisturbed = queue.moved === this.#movedTo;
    if (this.#next === this.#lines.length || !isUndisturbed) {
      this.#window = isUndisturbed ? 2 * this.#window : FIRST_WINDOW;
      this.#lines = this.#look(queue, this.#window, "units are bytes")?.lines ?? [];
      this.#next = 0;
    }
    const line = this.#lines[this.#next];
    if (line === undefined) return undefined;
    this.#next++;
    const taken = typeof line === "string" ? line : (queue.take(line.length) as Line);
    const atEnd = this.#rules.keepEnds ? 0 : this.#end.length;
    queue.skip(typeof line === "string" ? line.length + atEnd : atEnd);
    this.#movedTo = queue.moved;
    return taken;
  }

  /**
   * All the lines of the first chunk, which leave the queue; `undefined` if there is none that can be cut this way. Bytes
   * are views on the chunk.
   */
  takeAll(queue: ByteQueue): readonly Line[] | undefined {
    const found = this.#look(queue, Infinity, "any");
    if (found === undefined) return undefined;
    queue.skip(found.size);
    return found.lines;
  }

  /** The lines in the first chunk, up to `window` bytes of it, and how many bytes they are together. */
  #look(
    queue: ByteQueue,
    window: number,
    wanted: "units are bytes" | "any",
  ): { lines: readonly Line[]; size: number } | undefined {
    if (queue.length === 0 || queue.moved < this.#carefulUntil) return undefined;
    const { head: whole } = queue;
    const head = window < whole.length ? whole.subarray(0, window) : whole;
    const last = this.#end === "\n" ? head.lastIndexOf(0x0a) : head.lastIndexOf(this.#end);
    if (last < 0) return undefined;
    const size = last + this.#end.length;
    const text = head.toString(this.#encoding ?? "latin1", 0, size);
    const unitsAreBytes = text.length === size;
    const lines = wanted === "any" || unitsAreBytes ? this.#cut(text, head) : undefined;
    if (lines !== undefined && this.#needNoCloserLook(text, lines, unitsAreBytes)) return { lines, size };
    this.#carefulUntil = queue.moved + size;
    return undefined;
  }

  #cut(text: string, head: Bytes): readonly Line[] {
    const source: string | Bytes = this.#encoding === undefined ? head : text;
    const end = this.#end;
    const kept = this.#rules.keepEnds ? end.length : 0;
    const lines: (string | Bytes)[] = [];
    for (let start = 0, at; (at = text.indexOf(end, start)) >= 0; start = at + end.length) {
      lines.push(
        typeof source === "string" ? source.slice(start, at + kept) : source.subarray(start, at + kept),
      );
    }
    return lines as Line[];
  }

  #needNoCloserLook(text: string, lines: readonly Line[], unitsAreBytes: boolean): boolean {
    const { eol, keepEnds, limit } = this.#rules;
    if (eol === "crlf-strict" && BARE_END.test(text)) return false;
    const most = (unitsAreBytes ? limit : limit / MOST_BYTES_OF_A_UNIT) + (keepEnds ? this.#end.length : 0);
    return text.length <= most || lines.every(({ length }) => length <= most);
  }
}
