/** Flow control by two marks. The receiving and the sending direction both use it. */

/** Remembers on which side of its marks a buffer is: full once above the high one, until at or below the low one. */
export class Watermarks {
  #high: number;
  #low: number;
  #full = false;

  constructor(high: number, low: number) {
    this.#high = high;
    this.#low = low;
  }

  get high(): number {
    return this.#high;
  }

  get low(): number {
    return this.#low;
  }

  get isFull(): boolean {
    return this.#full;
  }

  move(high: number, low: number): void {
    this.#high = high;
    this.#low = low;
  }

  /** The buffer now has `size` bytes: true if that has just made it full. */
  becomesFull(size: number): boolean {
    if (this.#full || size <= this.#high) return false;
    this.#full = true;
    return true;
  }

  /** The buffer now has `size` bytes: true if it was full and no longer is. */
  becomesFree(size: number): boolean {
    if (!this.#full || size > this.#low) return false;
    this.#full = false;
    return true;
  }

  /** Counts the buffer as free, whatever its size: true if it was full. */
  release(): boolean {
    const wasFull = this.#full;
    this.#full = false;
    return wasFull;
  }
}
