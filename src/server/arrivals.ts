/** Connections that wait to be taken, and loops that wait for one. */
import type { Bounds } from "../waiting/bounds.js";

/** `Item` is what waits, `Value` what a loop gets for it. First come, first served, on both sides. */
export class Arrivals<Item extends object, Value extends object> {
  readonly #most: number;
  readonly #handOver: (item: Item) => Value;
  readonly #items = new Set<Item>();
  readonly #takers = new Set<(value: Value | undefined) => void>();
  #isEnded = false;

  /** At most `most` wait, which is 1 or more: none waits while a loop does. `handOver` is called at the moment when one is taken. */
  constructor(most: number, handOver: (item: Item) => Value) {
    this.#most = most;
    this.#handOver = handOver;
  }

  /** How many wait to be taken. */
  get size(): number {
    return this.#items.size;
  }

  get isFull(): boolean {
    return this.#items.size >= this.#most;
  }

  /** Whether it was taken, or waits now. */
  offer(item: Item): boolean {
    if (this.#isEnded || this.isFull) return false;
    const [taker] = this.#takers;
    if (taker === undefined) this.#items.add(item);
    else taker(this.#handOver(item));
    return true;
  }

  /** It does not wait any more. */
  remove(item: Item): void {
    this.#items.delete(item);
  }

  /** Nothing comes any more: loops end once they have taken what waits. Idempotent. */
  end(): void {
    this.#isEnded = true;
    for (const taker of this.#takers) taker(undefined);
  }

  /** Takes one after the other; `bounds` are those of each wait. Left, also while it waits, it has taken nothing more. */
  loop(bounds: Bounds): AsyncIterableIterator<Value, undefined> {
    const waiting = new Set<(value: undefined) => void>();
    let isLeft = false;
    const iterator: AsyncIterableIterator<Value, undefined> = {
      next: async () => {
        if (isLeft) return { value: undefined, done: true };
        bounds.throwIfAborted();
        const value = this.#takeNow() ?? (await this.#wait(bounds, waiting));
        return value === undefined ? { value, done: true } : { value, done: false };
      },
      return: async () => {
        isLeft = true;
        for (const taker of waiting) taker(undefined);
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #takeNow(): Value | undefined {
    const [item] = this.#items;
    if (item === undefined) return undefined;
    this.#items.delete(item);
    return this.#handOver(item);
  }

  #wait(bounds: Bounds, waiting: Set<(value: undefined) => void>): Promise<Value | undefined> {
    if (this.#isEnded) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#takers.delete(taker);
        waiting.delete(taker);
      };
      const taker = (value: Value | undefined) => {
        stop();
        leave();
        resolve(value);
      };
      const stop = bounds.watch((reason) => {
        leave();
        reject(reason);
      });
      this.#takers.add(taker);
      waiting.add(taker);
    });
  }
}
