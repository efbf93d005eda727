/** How a test lets what is ready happen, and sees what is not. */

/** Lets the event loop turn `count` times. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

/** Resolves when everything that was ready to run has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Whether `promise` still waits after a turn. If it has been rejected, so is this. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const waits = {};
  await nextTurn();
  return (await Promise.race([promise, Promise.resolve(waits)])) === waits;
}
