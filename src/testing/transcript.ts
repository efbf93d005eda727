/** A conversation as text: written by `recordWire()`, edited by people, read by `replayWire()`. */
import { toBytes } from "../bytes/to-bytes.js";
import { kindOf } from "../describe.js";
import { anyBytes, type PatternPart } from "./bytes-pattern.js";
import { TranscriptError } from "./errors.js";
import type { ScriptStep } from "./script.js";
import { hex, isText } from "./show-bytes.js";

export const HEADER = "wire transcript 1";

/** What stands in a transcript for bytes that a mask has hidden. */
export const MASKED = "<secret>";

/** Bytes in a row of hex. */
const ROW = 16;

/** Bytes, or a mask. */
export type Segment = Uint8Array | typeof MASKED;

/** The lines of bytes that went one way without any in between that went the other way. */
export function linesOf(arrow: ">" | "<", segments: readonly Segment[]): string[] {
  const lines: string[] = [];
  let open: string[] = [];
  const add = (part: string, endsLine: boolean) => {
    open.push(part);
    if (endsLine) endLine();
  };
  const endLine = () => {
    if (open.length > 0) lines.push(`${arrow} ${open.join(" ")}`);
    open = [];
  };
  for (const segment of segments) {
    if (segment === MASKED) add(MASKED, false);
    else for (const piece of piecesOf(segment)) addPiece(piece, add);
  }
  endLine();
  return lines;
}

/** A line of text, or any number of lines that are none. */
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  let isBinary = false;
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (isText(bytes.subarray(at, end))) {
      if (isBinary) pieces.push(bytes.subarray(start, at));
      pieces.push(bytes.subarray(at, end));
      isBinary = false;
      start = end;
    } else isBinary = true;
    at = end;
  }
  if (isBinary) pieces.push(bytes.subarray(start));
  return pieces;
}

function addPiece(piece: Uint8Array, add: (part: string, endsLine: boolean) => void): void {
  if (isText(piece)) {
    add(JSON.stringify(Buffer.from(piece).toString("utf8")), piece.at(-1) === 0x0a);
    return;
  }
  for (let start = 0; start < piece.length; start += ROW) {
    add(`hex ${hex(piece.subarray(start, start + ROW))}`, true);
  }
}

/**
 * The script of the peer that a transcript was recorded against: what was sent is expected, what was received is sent.
 *
 * After the header, a line of its own, each line is one of these; what is in brackets can stand there any number of times:
 *
 * ```text
 * > "text with \r\n, as in JSON" [hex 0d 0a] [<mask>]     sent by the code under test
 * < "…"                                                   received by it
 * > eof        > close        < eof        < reset        how it ended
 * # a comment
 * ```
 *
 * A mask in what was sent stands for any bytes up to what is behind it; in what was received, for itself. How bytes are
 * divided into lines means nothing.
 *
 * @throws TranscriptError with the number of the line that is wrong
 */
export function parseTranscript(text: string): ScriptStep[] {
  if (typeof text !== "string") throw new TypeError(`a transcript must be a string, not ${kindOf(text)}`);
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"));
  const header = lines.shift();
  if (header?.line !== HEADER) {
    throw new TranscriptError(`${JSON.stringify(HEADER)} must stand first`, header?.number ?? 1);
  }
  const steps = joined(lines.map(({ line, number }) => parseLine(line, number))).map(toStep);
  const isOpen = !steps.some((step) => step === "expect eof" || step === "reset");
  return isOpen ? [...steps, "leave open"] : steps;
}

type Entry =
  | { readonly kind: ">" | "<"; readonly parts: readonly PatternPart[]; readonly number: number }
  | { readonly kind: "step"; readonly step: ScriptStep };

const ENDS: ReadonlyMap<string, ScriptStep> = new Map([
  ["> eof", "expect eof"],
  ["> close", "expect eof"],
  ["< eof", "send eof"],
  ["< reset", "reset"],
]);

function parseLine(line: string, number: number): Entry {
  const step = ENDS.get(line.replace(/\s+/, " "));
  if (step !== undefined) return { kind: "step", step };
  const [, kind, rest] = /^([<>])\s*(.+)$/.exec(line) ?? [];
  if (kind === undefined)
    throw new TranscriptError(`"> …", "< …" or "# …" was expected, not ${line}`, number);
  return { kind: kind as ">" | "<", parts: parseParts(rest!, kind === ">", number), number };
}

const PART = /"(?:[^"\\]|\\.)*"|hex((?:\s+[0-9a-f]{2})+)(?=\s|$)|<[^<>\s]+>/iy;

function parseParts(text: string, canBeAny: boolean, number: number): PatternPart[] {
  const parts: PatternPart[] = [];
  for (let start = 0; start < text.length;) {
    PART.lastIndex = start;
    const [part, digits] = PART.exec(text) ?? [];
    if (part === undefined) {
      throw new TranscriptError(
        `a string in quotes, "hex 0d 0a", <mask>, eof, close or reset was expected at ${text.slice(start)}`,
        number,
      );
    }
    if (digits !== undefined) parts.push(Buffer.from(digits.replace(/\s/g, ""), "hex"));
    else if (part.startsWith("<")) parts.push(canBeAny ? anyBytes : part);
    else parts.push(parseString(part, number));
    start += part.length;
    while (text[start] === " " || text[start] === "\t") start++;
  }
  return parts;
}

function parseString(part: string, number: number): string {
  try {
    return JSON.parse(part) as string;
  } catch {
    throw new TranscriptError(
      `${part} is no string of JSON (bytes that are no text can be written as hex)`,
      number,
    );
  }
}

/** A mask at the end of a line goes on to what is behind it in the next one. */
function joined(entries: readonly Entry[]): Entry[] {
  const result: Entry[] = [];
  for (const entry of entries) {
    const last = result.at(-1);
    if (entry.kind === ">" && last?.kind === ">" && last.parts.at(-1) === anyBytes) {
      result[result.length - 1] = { ...last, parts: [...last.parts, ...entry.parts] };
    } else result.push(entry);
  }
  return result;
}

function toStep(entry: Entry): ScriptStep {
  if (entry.kind === "step") return entry.step;
  const name = `line ${entry.number}`;
  if (entry.kind === ">") return { expect: entry.parts, name };
  return { send: Buffer.concat(entry.parts.map(toBytes)), name };
}
