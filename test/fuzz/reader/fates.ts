/** What became of each read of a script: a step tells only what has settled by then. */
import { isRead, type ReaderScript } from "./scripts.js";
import type { Outcome, ReaderStep } from "./trace.js";

export interface Fate {
  /** The operation that started the read. */
  readonly start: number;
  /** The turn after which it was seen to have settled, and how; none if it waited to the end. */
  readonly end?: number;
  readonly outcome?: Outcome;
}

export interface Read {
  readonly start: number;
  readonly ours: Fate;
  readonly theirs: Fate;
}

/** By the number of the read. */
export function readsOf(
  { operations }: ReaderScript,
  ours: readonly ReaderStep[],
  theirs: readonly ReaderStep[],
): Read[] {
  const starts = operations.flatMap((operation, index) => (isRead(operation) ? [index] : []));
  const [ourFates, theirFates] = [fatesOf(starts, ours), fatesOf(starts, theirs)];
  return starts.map((start, number) => ({ start, ours: ourFates[number]!, theirs: theirFates[number]! }));
}

function fatesOf(starts: readonly number[], steps: readonly ReaderStep[]): Fate[] {
  const fates: Fate[] = starts.map((start) => ({ start }));
  for (const [end, { settled = [] }] of steps.entries()) {
    for (const [number, outcome] of settled) fates[number] = { start: starts[number]!, end, outcome };
  }
  return fates;
}
