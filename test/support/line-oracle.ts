/** What a loop over lines has to give, found the slow way: character by character, with all of the input at hand. */
import type { LineRules } from "#src/bytes/line-cutter.js";

export interface ExpectedLines {
  readonly lines: readonly string[];
  /** What comes behind them: the end of the input, or an error. */
  readonly last: string;
}

export function expectedLines(input: string, { eol, limit, keepEnds, onOverrun }: LineRules): ExpectedLines {
  const lines: string[] = [];
  for (let from = 0, line = 1; from < input.length; line++) {
    const { at, through, bare } = endOfLine(input, from, eol);
    const isTooLong = at - from > limit;
    if (isTooLong && onOverrun === "throw") return { lines, last: "LineTooLongError" };
    if (bare !== undefined)
      return { lines, last: `LineEndingError: bare ${bare} in ${line} at ${at - from}` };
    if (!isTooLong) lines.push(input.slice(from, keepEnds ? through : at));
    from = through;
  }
  return { lines, last: "end" };
}

function endOfLine(
  input: string,
  from: number,
  eol: LineRules["eol"],
): { at: number; through: number; bare?: "CR" | "LF" } {
  for (let at = from; at < input.length; at++) {
    const isPair = input.startsWith("\r\n", at);
    if (eol === "lf" && input[at] === "\n") return { at, through: at + 1 };
    if (eol !== "lf" && isPair) return { at, through: at + 2 };
    if (eol === "crlf-strict" && input[at] === "\r") return { at, through: at + 1, bare: "CR" };
    if (eol === "crlf-strict" && input[at] === "\n") return { at, through: at + 1, bare: "LF" };
  }
  return { at: input.length, through: input.length };
}

/** An error of a loop over lines, as `last` above. */
export function asExpected(error: unknown): string {
  const { name, found, line, offset } = error as {
    name: string;
    found?: string;
    line?: number;
    offset?: number;
  };
  return name === "LineEndingError" ? `${name}: bare ${found} in ${line} at ${offset}` : name;
}

const EOLS = ["lf", "crlf", "crlf-strict"] as const;

/** All rules of a loop with these limits. */
export function allRules(limits: readonly number[]): LineRules[] {
  return EOLS.flatMap((eol) =>
    limits.flatMap((limit) =>
      [false, true].flatMap((keepEnds) =>
        (["throw", "skip"] as const).map((onOverrun) => ({ eol, limit, keepEnds, onOverrun })),
      ),
    ),
  );
}

/** All texts of up to `size` letters of `alphabet`. */
export function allTexts(size: number, alphabet: string): string[] {
  if (size === 0) return [""];
  const shorter = allTexts(size - 1, alphabet);
  const longest = shorter.filter((text) => text.length === size - 1);
  return [...shorter, ...longest.flatMap((text) => Array.from(alphabet, (letter) => text + letter))];
}

/** All ways to cut `text` into pieces. */
export function allSplits(text: string): string[][] {
  if (text.length <= 1) return [[text]];
  return Array.from({ length: 2 ** (text.length - 1) }, (_, cuts) => {
    const pieces: string[] = [];
    let from = 0;
    for (let at = 1; at <= text.length; at++) {
      if (at < text.length && ((cuts >> (at - 1)) & 1) === 0) continue;
      pieces.push(text.slice(from, at));
      from = at;
    }
    return pieces;
  });
}
