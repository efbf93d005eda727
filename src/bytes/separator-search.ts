/** The search for the first of several separators in a byte queue, also across the borders of its chunks. */
import { isBytes } from "../checks.js";
import { kindOf } from "../describe.js";
import type { ByteQueue, Place } from "./byte-queue.js";
import { toBytes } from "./to-bytes.js";

/** Positions in the queue: of the separator's first byte, and behind its last one. */
export interface SeparatorMatch {
  readonly start: number;
  readonly end: number;
}

/** With several separators the search goes on in windows, so that a rare one is not looked for far ahead each time. */
const FIRST_WINDOW = 512;

/**
 * Finds the match that ends first; of two that end together, the shorter one. One search serves one read: call `find`
 * again when bytes were added, and it goes on where it stopped, looking again only at the bytes that a separator could
 * begin with. The queue must not be taken from in between, unless it is told to `restart`.
 */
export class SeparatorSearch {
  /** From the shortest to the longest. */
  readonly #separators: readonly Uint8Array[];
  readonly #longest: number;
  #clean = 0;

  constructor(separators: readonly Uint8Array[]) {
    this.#separators = separators;
    this.#longest = separators.at(-1)!.length;
  }

  /** No separator begins before this position of the queue. */
  get clean(): number {
    return this.#clean;
  }

  /** Forgets how far it has looked. */
  restart(): void {
    this.#clean = 0;
  }

  find(queue: ByteQueue): SeparatorMatch | undefined {
    const several = this.#separators.length > 1;
    let end = several ? Math.min(queue.length, this.#clean + FIRST_WINDOW) : queue.length;
    for (;;) {
      const match = this.#findBefore(end, queue);
      if (match !== undefined) return match;
      const window = end - this.#clean;
      this.#clean = Math.max(this.#clean, end + 1 - this.#longest);
      if (end === queue.length) return undefined;
      end = Math.min(queue.length, end + 2 * window);
    }
  }

  /** The match that ends first, at or before `end`. */
  #findBefore(end: number, queue: ByteQueue): SeparatorMatch | undefined {
    let best: SeparatorMatch | undefined;
    for (const separator of this.#separators) {
      const start = indexOf(queue, separator, this.#clean, best === undefined ? end : best.end - 1);
      if (start >= 0) best = { start, end: start + separator.length };
    }
    return best;
  }
}

/**
 * The separators of a read, from the shortest to the longest.
 *
 * @throws TypeError if one is neither bytes nor a string
 * @throws RangeError if there is none, or one is empty
 */
export function toSeparators(separator: unknown): Uint8Array[] {
  const list: readonly unknown[] = Array.isArray(separator) ? separator : [separator];
  if (list.length === 0) throw new RangeError("Separator should contain at least one element");
  const separators = list.map((member) => {
    if (typeof member === "string" || isBytes(member)) return Buffer.from(toBytes(member));
    throw new TypeError(`separator must be bytes, a string, or an array of them, not ${kindOf(member)}`);
  });
  separators.sort((a, b) => a.length - b.length);
  if (separators[0]!.length === 0) throw new RangeError("Separator should be at least one-byte string");
  return separators;
}

/** The position of the first `separator` that lies in the bytes from `from` up to `end`, or -1. */
function indexOf(queue: ByteQueue, separator: Uint8Array, from: number, end: number): number {
  const size = separator.length;
  let { index, start } = queue.locate(from);
  let position = from - start;
  for (; position + start + size <= end; index++) {
    const whole = queue.chunkAt(index);
    const chunk = end < position + whole.length ? whole.subarray(0, end - position) : whole;
    const found = size === 1 ? chunk.indexOf(separator[0]!, start) : chunk.indexOf(separator, start);
    if (found >= 0) return position + found;
    const seam = Math.max(start, whole.length - size + 1);
    const seamEnd = Math.min(end - position, whole.length + size - 1);
    const across = indexOfAcross(queue, separator, { index, start: seam }, seamEnd - seam);
    if (across >= 0) return position + seam + across;
    position += whole.length;
    start = 0;
  }
  return -1;
}

/** As `indexOf`, in the `size` bytes from a place at the end of a chunk on; the result counts from there. */
function indexOfAcross(queue: ByteQueue, separator: Uint8Array, place: Place, size: number): number {
  return size < separator.length ? -1 : queue.copyAt(place, size).indexOf(separator);
}
