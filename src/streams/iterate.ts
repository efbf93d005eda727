/** Loops over what a read gives. */

/** Iterates over what `read` gives, until that is `undefined` or the loop is left. An async generator would cost three times as much. */
export function iterate<Value extends object | string>(
  read: () => Promise<Value | undefined>,
): AsyncIterableIterator<Value, undefined> {
  let isLeft = false;
  const iterator: AsyncIterableIterator<Value, undefined> = {
    async next() {
      const value: Value | undefined = isLeft ? undefined : await read();
      return value === undefined ? { value, done: true } : { value, done: false };
    },
    async return() {
      isLeft = true;
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
