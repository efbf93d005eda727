/** Loops over what a read gives. */

/** Why a read has ended that a loop waited for when it was left. */
const LEFT = Symbol("left");

/** A read that waits. To cancel one that has ended does nothing. */
interface Waiting {
  cancel(reason: unknown): void;
}

/**
 * Iterates over what `read` gives, until that is `undefined` or the loop is left. Left while it waits, also by somebody else
 * who holds the iterator, it has taken nothing: the read that it waits for is cancelled, and no other one. `pending` tells
 * which read waits, if one does. An async generator would cost three times as much.
 */
export function iterate<Value extends object | string>(
  read: () => Promise<Value | undefined>,
  pending: () => Waiting | undefined,
): AsyncIterableIterator<Value, undefined> {
  let isLeft = false;
  let own: Waiting | undefined;
  const step = async (): Promise<Value | undefined> => {
    const before = pending();
    const reading = read();
    const waiting = pending();
    if (waiting !== before) own = waiting;
    try {
      return await reading;
    } catch (error) {
      if (error !== LEFT) throw error;
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
      own?.cancel(LEFT);
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
