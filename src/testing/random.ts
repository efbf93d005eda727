/** Choices that look random, and are the same for the same seed. */
export class Random {
  #state: number;

  /** `seed`: a whole number. */
  constructor(seed: number) {
    this.#state = (seed ^ Math.floor(seed / 2 ** 32)) | 0;
  }

  /** From 0 up to, and not including, 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  within(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** A source of its own: what is drawn there does not change what is drawn here. */
  fork(): Random {
    return new Random(this.within(0, 2 ** 32 - 1));
  }
}
