/** What a campaign prints. */
import { isDeepStrictEqual } from "node:util";
import type { CampaignResult, Failure, Verdict } from "./campaign.js";
import type { Kind, Step } from "./kind.js";

/** The last line: `fuzz reader: 20000 cases, seed 123, 0 differences; used: …`, each with the number of its scripts. */
export function summaryOf(kind: string, seed: number, result: CampaignResult<unknown>): string {
  const used = [...result.used].map(([name, count]) => `${name} (${count})`).sort();
  const differences = result.failure === undefined ? "0 differences" : "1 difference";
  return `fuzz ${kind}: ${result.cases} cases, seed ${seed}, ${differences}; used: ${used.join(", ") || "none"}`;
}

/** What is wrong, with all that it takes to look into it; `undefined` if nothing is. */
export function complaintOf<Script>(kind: Kind<Script>, result: CampaignResult<Script>): string | undefined {
  if (result.failure !== undefined) return disagreement(kind, result.failure);
  if (result.unused.length === 0) return undefined;
  return `Nothing met these entries of docs/differences.md, in ${result.cases} cases: ${result.unused.join(", ")}`;
}

function disagreement<Script>(
  kind: Kind<Script>,
  { verdict, seed, cases, shrinks }: Failure<Script>,
): string {
  return [
    reasonOf(kind.name, verdict),
    `As a test case, after ${shrinks} steps that made it smaller:`,
    kind.show(verdict.script),
    tracesOf(verdict),
    `To repeat it: npm run fuzz -- --kind ${kind.name} --seed ${seed} --cases ${cases}`,
  ].join("\n\n");
}

function reasonOf(kind: string, { unknown, agrees }: Verdict<unknown>): string {
  if (agrees) return "CPython and this library did not agree, and then they did, on the same script.";
  if (unknown.length === 0) return "CPython and this library do not agree.";
  return `docs/differences.md has no entry for the kind ${kind} named ${unknown.join(", ")}.`;
}

/** Both traces step by step; where they differ, both steps. */
function tracesOf({ ours, theirs }: Verdict<unknown>): string {
  const steps = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, index) => {
    const number = String(index).padStart(3);
    if (isDeepStrictEqual(ours[index], theirs[index])) return `${number} both   ${show(ours[index])}`;
    return `${number} ours   ${show(ours[index])}\n    theirs ${show(theirs[index])}`;
  });
  return ["Steps, without what differs on purpose:", ...steps].join("\n");
}

function show(step: Step): string {
  return step === undefined ? "(no step)" : JSON.stringify(step);
}
