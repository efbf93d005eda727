/** Promises that cost less than those of async functions. */

/** What is chained to it comes a moment later; that costs less than `queueMicrotask`. */
export const SOON: Promise<void> = Promise.resolve();

/** What `call` throws is a rejection. An async function would take three turns more to pass on a promise. */
export function promised<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
