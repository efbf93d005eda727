/** Random choices that are the same at each run. */
import { Random as SeededRandom } from "#src/testing/random.js";

export class Random extends SeededRandom {
  pick<Item>(items: readonly Item[]): Item {
    return items[this.within(0, items.length - 1)]!;
  }

  /** Text of `size` letters of `alphabet`. */
  text(size: number, alphabet: string): string {
    return Array.from({ length: size }, () => alphabet.charAt(this.within(0, alphabet.length - 1))).join("");
  }
}
