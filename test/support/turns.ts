/** How a test lets what is ready happen, and sees what is not. */
import { nextTurn } from "#src/testing/event-loop.js";

export { nextTurn } from "#src/testing/event-loop.js";
export { turns } from "#src/testing/transport-checks/suite.js";

/** As `turns`, but not long enough for virtual time to pass; on Deno not always for what comes from the system. */
export async function shortTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

/** Whether `promise` still waits after a turn. If it has been rejected, so is this. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const waits = {};
  await nextTurn();
  return (await Promise.race([promise, Promise.resolve(waits)])) === waits;
}
