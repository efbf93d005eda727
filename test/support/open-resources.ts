/** What this process has open. */
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { turns } from "./turns.js";

/** Turns of the event loop in which what was closed before has gone. */
const SETTLING_TURNS = 4;
/** Far more turns than closing takes. */
const MOST_TURNS = 1_000;

/** Remembers what is open. What it gives waits until nothing more than that is open, and fails if that does not come. */
export async function watchResources(): Promise<() => Promise<void>> {
  await turns(SETTLING_TURNS);
  const before = openResources();
  return async () => {
    for (let turn = 0; turn < MOST_TURNS && added(before).length > 0; turn++) await turns(1);
    assert.deepEqual(added(before), []);
  };
}

/** Runs `run`, undoes what it gives to `cleanup`, and fails if more is open then than before. */
export async function leavingNothing(
  run: (cleanup: (undo: () => unknown) => void) => Promise<void>,
): Promise<void> {
  const nothingElse = await watchResources();
  const undos: (() => unknown)[] = [];
  try {
    await run((undo) => void undos.push(undo));
  } finally {
    for (const undo of undos.toReversed()) await undo();
  }
  await nothingElse();
}

/** What is open besides `before`. */
function added(before: readonly string[]): string[] {
  const now = openResources();
  for (const resource of before) {
    const index = now.indexOf(resource);
    if (index >= 0) now.splice(index, 1);
  }
  return now;
}

/** Handles, requests and timers that keep the process alive where the runtime tells them, and on Linux the sockets among its descriptors. */
function openResources(): string[] {
  const { getActiveResourcesInfo = () => [] } = process as Partial<NodeJS.Process>;
  return [...getActiveResourcesInfo(), ...openSockets()].filter((name) => name !== "Immediate");
}

/** One word for each; none where the system does not tell. A runtime may open its standard streams twice. */
export function openSockets(): string[] {
  if (process.platform !== "linux") return [];
  const standard = ["0", "1", "2"].map(targetOf);
  return readdirSync("/proc/self/fd").flatMap((descriptor) => {
    const target = targetOf(descriptor);
    return target?.startsWith("socket:") && !standard.includes(target) ? ["socket"] : [];
  });
}

/** Nothing for a descriptor that has been closed, such as that of a listing. */
function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}
