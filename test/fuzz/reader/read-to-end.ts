/**
 * `read(-1)`: asyncio's takes what comes, block by block, and loses that if it is cancelled or fails; here it takes nothing
 * before the end. While it waits, what is buffered differs, and so does what the transport is asked.
 */
import { isDeepStrictEqual } from "node:util";
import type { Read } from "./fates.js";
import type { Parting } from "./partings.js";
import type { ReaderScript } from "./scripts.js";
import type { Outcome, ReaderStep } from "./trace.js";

const DIFFERENCE = "read-to-end";

/** Where such a read, or a transport that gets to show that it cannot pause, leaves the readers in different states. */
export function collectingEnds(
  script: ReaderScript,
  reads: readonly Read[],
  ours: readonly ReaderStep[],
  theirs: readonly ReaderStep[],
): Parting[] {
  const canForget = script.operations.some(([name, canPause]) => name === "transport" && !canPause);
  return collectingReads(script, reads, ours).flatMap((read) => {
    const end = endOf(read);
    const differsAt = (step: number) => !isDeepStrictEqual(flowOf(ours[step]), flowOf(theirs[step]));
    const steps = [...ours.keys()].slice(read.start, end + 1);
    const asked = steps.find((step) => ours[step]!.calls !== theirs[step]?.calls);
    if (canForget && asked !== undefined) return [{ difference: DIFFERENCE, step: asked }];
    if (!hasFailed(read) || !steps.some(differsAt)) return [];
    // Once it is cancelled, another one may start before the turn that shows it.
    const next = reads.find(({ start, ours: { outcome } }) => start > read.start && !isRefused(outcome));
    return [{ difference: DIFFERENCE, step: Math.min(end + 1, next?.start ?? Infinity) }];
  });
}

/** Takes what may differ while such a read waits out of both traces. */
export function hideCollecting(
  script: ReaderScript,
  reads: readonly Read[],
  { ours, theirs }: { ours: ReaderStep[]; theirs: ReaderStep[] },
  used: (difference: string) => void,
): void {
  for (const read of collectingReads(script, reads, ours)) {
    const end = endOf(read);
    for (let step = read.start; step <= end && step < ours.length; step++) {
      const [our, their] = [ours[step]!, theirs[step]!];
      if (isDeepStrictEqual(flowOf(our), flowOf(their)) || our.buffered! < their.buffered!) continue;
      used(DIFFERENCE);
      const without = step === end && !hasFailed(read) ? withoutCalls : withoutFlow;
      ours[step] = without(our);
      theirs[step] = without(their);
    }
  }
}

/** The reads to the end that had to wait. */
function collectingReads(
  { operations }: ReaderScript,
  reads: readonly Read[],
  ours: readonly ReaderStep[],
): Read[] {
  return reads.filter(({ start, ours: { outcome } }) => {
    const [name, size] = operations[start]!;
    const step = ours[start];
    const isAtEnd = step === undefined || step.atEof === true || step.exception !== null;
    return name === "read" && (size as number) < 0 && !isAtEnd && !isRefused(outcome);
  });
}

function isRefused(outcome: Outcome | undefined): boolean {
  return /^(InvalidState|Range|Type)Error$/.test(outcome?.error ?? "");
}

function endOf(read: Read): number {
  return read.ours.end ?? Infinity;
}

function hasFailed(read: Read): boolean {
  return read.ours.outcome?.error !== undefined;
}

function flowOf(step: ReaderStep | undefined): unknown {
  return [step?.calls, step?.buffered, step?.atEof];
}

function withoutCalls(step: ReaderStep): ReaderStep {
  const { calls, ...rest } = step;
  return calls === undefined ? step : rest;
}

function withoutFlow(step: ReaderStep): ReaderStep {
  const { settled, exception, thrown } = step;
  return { exception: exception ?? null, ...(settled && { settled }), ...(thrown && { thrown }) };
}
