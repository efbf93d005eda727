/** Measures work by counting bytes, since time tells nothing on a busy machine. */

/** How many bytes `Buffer`'s `indexOf` and `copy` go over while `run` runs. */
export function countBytesLookedAt(run: () => void): number {
  const { indexOf, copy } = Buffer.prototype;
  let count = 0;
  Buffer.prototype.indexOf = function (this: Buffer, ...given: Parameters<typeof indexOf>): number {
    const start = Number(given[1] ?? 0);
    const found = indexOf.apply(this, given);
    count += (found < 0 ? this.length : found + 1) - start;
    return found;
  };
  Buffer.prototype.copy = function (this: Buffer, ...given: Parameters<typeof copy>): number {
    const copied = copy.apply(this, given);
    count += copied;
    return copied;
  };
  try {
    run();
  } finally {
    Buffer.prototype.indexOf = indexOf;
    Buffer.prototype.copy = copy;
  }
  return count;
}
