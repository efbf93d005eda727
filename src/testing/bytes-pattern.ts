/** Bytes that are expected: some exactly, others whatever they are. */
import { toBytes } from "../bytes/to-bytes.js";
import type { BytesLike } from "../transport/transport.js";
import { quote } from "./show-bytes.js";

/** Stands in an expectation for bytes that may be any, and as many as there are up to what comes behind it. */
export const anyBytes: unique symbol = Symbol("anyBytes");

/** A part of what a script expects: bytes, a string, or `anyBytes`. */
export type PatternPart = BytesLike | typeof anyBytes;

/** What becomes of received bytes. */
export type Match =
  | { readonly kind: "matched"; readonly size: number }
  | { readonly kind: "unfinished"; readonly part: Uint8Array | undefined; readonly start: number }
  | { readonly kind: "different"; readonly part: Uint8Array; readonly start: number; readonly at: number };

export class BytesPattern {
  readonly #parts: readonly (Uint8Array | typeof anyBytes)[];

  /** @throws TypeError for a part that is neither bytes nor a string nor `anyBytes` */
  constructor(parts: readonly PatternPart[]) {
    this.#parts = joinNeighbours(parts);
  }

  /**
   * How the first bytes of `received` fit. With `anyBytes` in the last place: at least one byte, and all that is there.
   * `start` is where `part` begins in `received`, `at` where it differs, counted in `part`.
   */
  match(received: Buffer): Match {
    let start = 0;
    for (const [index, part] of this.#parts.entries()) {
      if (part === anyBytes) {
        if (index < this.#parts.length - 1) continue;
        return received.length > start
          ? { kind: "matched", size: received.length }
          : { kind: "unfinished", part: undefined, start };
      }
      if (this.#parts[index - 1] === anyBytes) {
        const found = received.indexOf(part, start);
        if (found < 0) return { kind: "unfinished", part, start };
        start = found + part.length;
        continue;
      }
      const at = firstDifference(part, received.subarray(start));
      if (at < part.length) {
        const kind = start + at < received.length ? "different" : "unfinished";
        return { kind, part, start, at };
      }
      start += part.length;
    }
    return { kind: "matched", size: start };
  }

  toString(): string {
    return this.#parts.map((part) => (part === anyBytes ? "<any bytes>" : quote(part))).join(" ");
  }
}

/** How many bytes are the same from the start on. */
export function firstDifference(one: Uint8Array, other: Uint8Array): number {
  const size = Math.min(one.length, other.length);
  for (let at = 0; at < size; at++) if (one[at] !== other[at]) return at;
  return size;
}

function joinNeighbours(parts: readonly PatternPart[]): (Uint8Array | typeof anyBytes)[] {
  const joined: (Buffer | typeof anyBytes)[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part === anyBytes) {
      if (last !== anyBytes) joined.push(part);
    } else if (last === undefined || last === anyBytes) joined.push(Buffer.from(toBytes(part)));
    else joined[joined.length - 1] = Buffer.concat([last, toBytes(part)]);
  }
  return joined.filter((part) => part === anyBytes || part.length > 0);
}
