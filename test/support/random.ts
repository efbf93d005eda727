/** Random choices that are the same at each run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from `least` to `most`. */
  within(least: number, most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const fraction = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return least + Math.floor(fraction * (most - least + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.within(0, items.length - 1)]!;
  }

  /** Text of `size` letters of `alphabet`. */
  text(size: number, alphabet: string): string {
    return Array.from({ length: size }, () => alphabet.charAt(this.within(0, alphabet.length - 1))).join("");
  }
}
