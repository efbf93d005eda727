/** Promises that have not settled, and the turns of the event loop in which they could have. */
import { turns } from "./turns.js";

/** Lets all happen that needs nothing from outside. */
export async function settleDown(): Promise<void> {
  await turns(5);
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
