/** What a failed script tells: the step, the bytes, and where in the script it is. */
import { firstDifference, type Match } from "./bytes-pattern.js";
import type { CheckedStep } from "./script.js";
import { diff, dump, quote, showByte } from "./show-bytes.js";

/** So many steps before and behind the failed one are shown. */
const NEIGHBOURS = 3;

/** The message of a ScriptError; `index` counts from 0, and is the number of steps when all were through. */
export function report(
  script: readonly CheckedStep[],
  index: number,
  problem: string,
  received: Buffer,
): string {
  const step = script[index];
  const place =
    step === undefined
      ? `After the last of ${count(script.length, "step")}`
      : `Step ${index + 1} of ${script.length}${step.name === undefined ? "" : ` (${step.name})`}, ${step.text}`;
  const later = script.findIndex((other, at) => at > index && fits(other, received));
  const hint = later < 0 ? "" : `\nThis is what step ${later + 1} expects.`;
  return `${place}: ${problem}${hint}\n\n${showScript(script, index)}`;
}

function fits(step: CheckedStep, received: Buffer): boolean {
  return received.length > 0 && step.kind === "expect" && step.pattern.match(received).kind === "matched";
}

/** How received bytes differ from what was expected, and why nothing more can be hoped for. */
export function showMismatch(match: Match, received: Buffer, reason = ""): string {
  if (match.kind === "matched") return reason;
  const { part, start } = match;
  const rest = received.subarray(start);
  if (part === undefined) return `${reason}, and no byte has come`;
  if (match.kind === "different") {
    const { at } = match;
    const difference = `byte ${start + at} is ${showByte(rest, at)}, not ${showByte(part, at)}`;
    return `${difference}${guess(part, rest, at)}\n${diff(part, rest, at)}`;
  }
  const at = firstDifference(part, rest);
  if (at === rest.length) {
    const head = `${reason}, after ${at} of ${count(part.length, "byte")}`;
    return `${head}\n${diff(part, rest, at)}`;
  }
  return `${reason}, and ${quote(part)} is not in what has come\n${dump(rest)}`;
}

export function showExcess(received: Buffer): string {
  const came = `${count(received.length, "byte")} came that the script does not expect`;
  return `${came}: ${quote(received)}\n${dump(received)}`;
}

/** A byte that was left out or slipped in, where the rest says so. */
function guess(expected: Uint8Array, received: Uint8Array, at: number): string {
  const size = Math.min(expected.length, received.length) - at - 1;
  if (size < 2) return "";
  const isEqualFrom = (one: number, other: number) =>
    firstDifference(expected.subarray(one), received.subarray(other)) >= size;
  if (isEqualFrom(at + 1, at)) return ", as if one were missing";
  if (isEqualFrom(at, at + 1)) return ", as if it had slipped in";
  return "";
}

function showScript(script: readonly CheckedStep[], index: number): string {
  const first = Math.max(0, index - NEIGHBOURS);
  const lines = script.slice(first, index + NEIGHBOURS + 1).map((step, offset) => {
    const number = first + offset;
    return `${number === index ? "> " : "  "}${String(number + 1).padStart(4)}  ${step.text}`;
  });
  if (index >= script.length) lines.push("> the end");
  return `the script:\n${lines.join("\n")}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
