/** What the code under test says on `console.error`. */

/** Collects the arguments of each call until the running test has ended, and prints none. */
export function captureConsoleErrors(cleanup: (undo: () => unknown) => void): readonly unknown[][] {
  const calls: unknown[][] = [];
  const original = console.error;
  console.error = (...parts: unknown[]) => void calls.push(parts);
  cleanup(() => {
    console.error = original;
  });
  return calls;
}
