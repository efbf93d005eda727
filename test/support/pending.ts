/** Promises that have not settled, and the turns of the event loop in which they could have. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets all happen that needs nothing from outside. */
export async function settleDown(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await settleDown();
  return !settled;
}
