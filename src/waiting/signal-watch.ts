/** Waits for the abort of a signal that many share. */

/**
 * Who waits for which signal. The signals themselves would hold one listener for each, of which Node.js warns from the
 * eleventh on, and through which it walks for each that comes or goes: with 10 000 of them a wait took 90 µs.
 */
const watches = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `onAbort` once, when `signal` is aborted, which it must not be yet. What it returns ends the watch. The signal
 * holds one listener while anybody watches it, and else none.
 */
export function watchSignal(signal: AbortSignal, onAbort: () => void): () => void {
  const watching = watchesOf(signal);
  if (watching.size === 0) signal.addEventListener("abort", callAll);
  watching.add(onAbort);
  return () => {
    if (watching.delete(onAbort) && watching.size === 0) signal.removeEventListener("abort", callAll);
  };
}

function watchesOf(signal: AbortSignal): Set<() => void> {
  let watching = watches.get(signal);
  if (watching === undefined) {
    watching = new Set();
    watches.set(signal, watching);
  }
  return watching;
}

/** In the order in which they came. One that ends its watch meanwhile is not called any more. */
function callAll(this: AbortSignal): void {
  for (const onAbort of watchesOf(this)) onAbort();
}
