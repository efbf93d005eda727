/** Where reads that wait take bytes to before these are buffered. */
import { copyOf } from "../bytes/copy-of.js";

export interface Intake<Result> {
  /** Takes the first of `bytes`, as many as it needs, by a copy, or by `keep`; none if there are too few. */
  fill(bytes: Uint8Array, keep?: () => void): number;
  /** What the read gives. Once it is there, the read is over. */
  readonly result: Result | undefined;
  /** How many bytes there must be in the buffer for the read to go on, if it knows. */
  readonly needed?: number | undefined;
}

/** From `needed` to `most` bytes, as the caller's own. */
export class BytesIntake implements Intake<Buffer<ArrayBuffer>> {
  readonly needed: number;
  readonly #most: number;
  result: Buffer<ArrayBuffer> | undefined;

  constructor(needed: number, most: number) {
    this.needed = needed;
    this.#most = most;
  }

  fill(bytes: Uint8Array): number {
    if (bytes.length < this.needed) return 0;
    this.result = copyOf(bytes.length > this.#most ? bytes.subarray(0, this.#most) : bytes);
    return this.result.length;
  }
}

/** A line with its newline, if not more than `limit` bytes stand before that. */
export class LineIntake implements Intake<Buffer<ArrayBuffer>> {
  readonly #limit: number;
  result: Buffer<ArrayBuffer> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  fill(bytes: Uint8Array): number {
    const newline = bytes.indexOf(0x0a);
    if (newline === -1 || newline > this.#limit) return 0;
    this.result = copyOf(bytes.subarray(0, newline + 1));
    return this.result.length;
  }
}

/** As many bytes as there are and fit, into `target`; their number. */
export class ViewIntake implements Intake<number> {
  readonly #target: Uint8Array;
  result: number | undefined;

  constructor(target: Uint8Array) {
    this.#target = target;
  }

  fill(bytes: Uint8Array): number {
    const filled = Math.min(bytes.length, this.#target.length);
    this.#target.set(filled < bytes.length ? bytes.subarray(0, filled) : bytes);
    this.result = filled;
    return filled;
  }
}
