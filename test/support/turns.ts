/** How a test lets what is ready happen, and sees what is not. */

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
