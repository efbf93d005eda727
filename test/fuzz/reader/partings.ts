/** Where a difference on purpose leaves the two readers in different states: from there on nothing can be compared. */
import { isDeepStrictEqual } from "node:util";
import type { Fate, Read } from "./fates.js";
import { collectingEnds } from "./read-to-end.js";
import type { Operation, ReaderScript } from "./scripts.js";
import type { Outcome, ReaderStep } from "./trace.js";

export interface Parting {
  readonly difference: string;
  /** The first step that is not compared. */
  readonly step: number;
}

export function partings(
  script: ReaderScript,
  ours: readonly ReaderStep[],
  theirs: readonly ReaderStep[],
  reads: readonly Read[],
): Parting[] {
  return [
    ...secondReads(reads, ours, theirs),
    ...fractions(script, reads),
    ...readsAfterCancel(script, reads),
    ...exceptionsAfterWake(script, ours, theirs),
    ...collectingEnds(script, reads, ours, theirs),
  ];
}

/**
 * A second read takes bytes before the first one, or waits in its place when that was woken already. A `read(-1)` takes what
 * is there, and is refused when it has to wait.
 */
function secondReads(
  reads: readonly Read[],
  ours: readonly ReaderStep[],
  theirs: readonly ReaderStep[],
): Parting[] {
  return reads
    .filter((read) => isRefusedAsSecond(read.ours.outcome))
    .filter(({ start, theirs: { outcome } }) => {
      return outcome?.error !== "RuntimeError" || !isDeepStrictEqual(ours[start], theirs[start]);
    })
    .map(({ start }) => ({ difference: "second-read", step: start }));
}

function isRefusedAsSecond(outcome: Outcome | undefined): boolean {
  return outcome?.error === "InvalidStateError" && /already waiting/.test(outcome.message!);
}

/** A size that is not whole is refused at once, and in asyncio after a wait, or never. */
function fractions({ operations }: ReaderScript, reads: readonly Read[]): Parting[] {
  return reads
    .filter(({ start, ours }) => isFraction(operations[start]!) && ours.outcome?.error === "RangeError")
    .map(({ start }) => ({ difference: "whole-sizes", step: start }));
}

function isFraction([, size]: Operation): boolean {
  return typeof size === "number" && !Number.isInteger(size);
}

/**
 * A read that starts before a cancelled one has run to its end: it finds that one still waiting, or loses its own wake-up
 * to it.
 */
function readsAfterCancel({ operations }: ReaderScript, reads: readonly Read[]): Parting[] {
  return reads
    .filter(({ start, ours, theirs }) => {
      const window = operations.slice(turnBefore(operations, start), start);
      return window.some(([name]) => name === "cancel") && !hasSameFate(ours, theirs);
    })
    .map(({ start }) => ({ difference: "read-after-cancel", step: start }));
}

/** Whether both settled at the same turn, or neither, and both with bytes, refused, or with another error. */
function hasSameFate(ours: Fate, theirs: Fate): boolean {
  return ours.end === theirs.end && endingOf(ours.outcome) === endingOf(theirs.outcome);
}

function endingOf(outcome: Outcome | undefined): string {
  if (outcome?.error === undefined) return "bytes";
  return /^(InvalidState|Runtime)Error$/.test(outcome.error) ? "refused" : "failed";
}

/** A read that something has woken does not look at an exception that is set before it runs. */
function exceptionsAfterWake(
  { operations }: ReaderScript,
  ours: readonly ReaderStep[],
  theirs: readonly ReaderStep[],
): Parting[] {
  return operations.flatMap(([name], step) => {
    if (name !== "turn" || !getsException(ours[step])) return [];
    const names = operations.slice(turnBefore(operations, step), step).map(([before]) => before);
    const woken = names.findIndex(
      (before) => before === "feed" || before === "eof" || before === "exception",
    );
    if (woken < 0 || !names.includes("exception", woken + 1)) return [];
    return isDeepStrictEqual(ours[step], theirs[step]) ? [] : [{ difference: "exception-after-wake", step }];
  });
}

function getsException(step: ReaderStep | undefined): boolean {
  return step?.settled?.some(([, { error }]) => error === "ScriptError") === true;
}

/** Behind the last turn before `step`. */
function turnBefore(operations: readonly Operation[], step: number): number {
  return operations.findLastIndex(([name], index) => index < step && name === "turn") + 1;
}
