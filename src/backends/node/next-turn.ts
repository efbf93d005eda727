/** The turns of the event loop in which the system is asked what has come. */
import { isDeno } from "./runtime.js";

// Those of the runtime, whatever a test framework puts in their place later.
const { setImmediate, setTimeout } = globalThis;

/**
 * Runs `callback` when all that is ready now, also in the system, has been delivered. Deno goes on through dozens of turns
 * before it asks the system, but asks it whenever a timer fires.
 */
export const onNextTurn: (callback: () => void) => void = isDeno
  ? (callback) => void setTimeout(() => setImmediate(callback), 0)
  : (callback) => void setImmediate(callback);
