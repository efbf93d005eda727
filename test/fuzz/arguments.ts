/** What stands on the command line of the fuzz. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export interface FuzzArguments {
  readonly cases: number;
  readonly seed: number;
  /** All kinds, unless one was asked for. */
  readonly kinds: readonly string[];
}

/** How many cases are run unless somebody says otherwise: a minute of reader scripts. */
const DEFAULT_CASES = 20_000;
const LARGEST_SEED = 2 ** 31 - 1;

/** @throws Error, whose message is for who typed it, if one is unknown or has a wrong value */
export function parseFuzzArguments(args: readonly string[], kinds: readonly string[]): FuzzArguments {
  const { values } = parseArgs({
    args: [...args],
    options: { cases: { type: "string" }, seed: { type: "string" }, kind: { type: "string" } },
    allowPositionals: false,
  });
  const { cases, seed, kind } = values;
  if (kind !== undefined && !kinds.includes(kind)) {
    throw new Error(`--kind must be one of ${kinds.join(", ")}, not "${kind}"`);
  }
  return {
    cases: wholeNumber("--cases", cases, 1, Number.MAX_SAFE_INTEGER) ?? DEFAULT_CASES,
    seed: wholeNumber("--seed", seed, 0, LARGEST_SEED) ?? randomInt(LARGEST_SEED),
    kinds: kind === undefined ? kinds : [kind],
  };
}

function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
