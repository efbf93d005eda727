/** Loops over what a read gives. */

/** Why a read has ended that a loop waited for when it was left. */
const LEFT = Symbol("left");

/**
 * Iterates over what `read` gives, until that is `undefined` or the loop is left. Left while it waits, also by somebody else
 * who holds the iterator, it has taken nothing: `cancel` ends the pending read with a reason. An async generator would cost
 * three times as much.
 */
export function iterate<Value extends object | string>(
  read: () => Promise<Value | undefined>,
  cancel: (reason: unknown) => void,
): AsyncIterableIterator<Value, undefined> {
  let isLeft = false;
  let isWaiting = false;
  const step = async (): Promise<Value | undefined> => {
    isWaiting = true;
    try {
      return await read();
    } catch (error) {
      if (error !== LEFT) throw error;
    } finally {
      isWaiting = false;
    }
    return undefined;
  };
  const iterator: AsyncIterableIterator<Value, undefined> = {
    async next() {
      const value = isLeft ? undefined : await step();
      return value === undefined ? { value, done: true } : { value, done: false };
    },
    async return() {
      isLeft = true;
      if (isWaiting) cancel(LEFT);
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
