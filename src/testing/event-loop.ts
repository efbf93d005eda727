/** The turns of the event loop, whatever a test framework puts in place of its functions later. */
const { setImmediate } = globalThis;

/** Runs `callback` when all that is ready now has run. */
export function onNextTurn(callback: () => void): void {
  setImmediate(callback);
}

export function nextTurn(): Promise<void> {
  return new Promise(onNextTurn);
}
