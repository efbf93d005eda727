/** What of the system a process holds, to see that a test has given back what it took. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { turns } from "./turns.js";

/** Runs `body`, undoes what it has given to `cleanup`, and fails if more handles, timers or descriptors are held than before. */
export async function leavesNothing(
  body: (cleanup: (undo: () => unknown) => void) => Promise<void>,
): Promise<void> {
  const before = held();
  const undos: (() => unknown)[] = [];
  try {
    await body((undo) => void undos.push(undo));
  } finally {
    for (const undo of undos.toReversed()) await undo();
  }
  let left = moreThan(before);
  for (let turn = 0; turn < 2000 && left.length > 0; turn++) {
    await turns(1);
    left = moreThan(before);
  }
  assert.deepEqual(left, [], "left behind");
}

/** Names of handles and timers, and the descriptors; each as often as it is held. */
function held(): string[] {
  const descriptors = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").map(() => "descriptor") : [];
  return [...(process.getActiveResourcesInfo?.() ?? []), ...descriptors];
}

function moreThan(before: readonly string[]): string[] {
  const known = [...before];
  return held().filter((name) => {
    const index = known.indexOf(name);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}
