/**
 * What differs on purpose between the traces of a reader, by its name in docs/differences.md. Where a difference leaves
 * the two readers in different states, the traces end with the step before.
 */
import { isDeepStrictEqual } from "node:util";
import { readsOf } from "./fates.js";
import { hideCollecting } from "./read-to-end.js";
import { reconcileOutcome } from "./reconcile-outcome.js";
import type { ReaderScript } from "./scripts.js";
import { partings } from "./partings.js";
import type { ReaderStep } from "./trace.js";

type Used = (difference: string) => void;

interface Traces {
  ours: ReaderStep[];
  theirs: ReaderStep[];
}

export function reconcile(
  script: ReaderScript,
  ours: readonly ReaderStep[],
  theirs: readonly ReaderStep[],
  used: Used,
): Traces {
  const reads = readsOf(script, ours, theirs);
  const [first] = partings(script, ours, theirs, reads).sort((a, b) => a.step - b.step);
  if (first !== undefined) used(first.difference);
  const traces = { ours: ours.slice(0, first?.step), theirs: theirs.slice(0, first?.step) };
  hideCollecting(script, reads, traces, used);
  return reconcileOutcomes(script, traces, used);
}

function reconcileOutcomes(script: ReaderScript, { ours, theirs }: Traces, used: Used): Traces {
  const rewritten = ours.map((step, index): ReaderStep => {
    const other = theirs[index];
    if (other === undefined || isDeepStrictEqual(step, other)) return step;
    const thrown = step.thrown && other.thrown && reconcileOutcome(script, step.thrown, other.thrown, used);
    const settled = step.settled?.map(([number, outcome]) => {
      const counterpart = other.settled?.find(([theirNumber]) => theirNumber === number)?.[1];
      return [number, counterpart ? reconcileOutcome(script, outcome, counterpart, used) : outcome] as const;
    });
    return { ...step, ...(thrown && { thrown }), ...(settled && { settled }) };
  });
  return { ours: rewritten, theirs };
}
