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

const MAKERS = ["alloc", "allocUnsafe", "allocUnsafeSlow", "from", "concat"] as const;

/** By which functions of `Buffer` memory for bytes is taken while `run` runs. */
export async function buffersMadeBy(run: () => Promise<void>): Promise<string[]> {
  const made: string[] = [];
  const makers = Buffer as unknown as Record<string, (...given: unknown[]) => Buffer>;
  const originals = MAKERS.map((name) => makers[name]!);
  for (const [index, name] of MAKERS.entries()) {
    makers[name] = (...given) => {
      made.push(name);
      return originals[index]!.apply(Buffer, given);
    };
  }
  try {
    await run();
  } finally {
    for (const [index, name] of MAKERS.entries()) makers[name] = originals[index]!;
  }
  return made;
}
