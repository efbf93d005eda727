/** Which hosts cannot reach each other. */
export class Partitions {
  readonly #cuts = new Set<string>();
  readonly #waiting = new Set<() => void>();

  separate(one: string, other: string): void {
    this.#cuts.add(keyOf(one, other));
  }

  heal(one: string, other: string): void {
    this.#cuts.delete(keyOf(one, other));
    this.changed();
  }

  healAll(): void {
    this.#cuts.clear();
    this.changed();
  }

  areSeparate(one: string, other: string): boolean {
    return this.#cuts.has(keyOf(one, other));
  }

  /** Calls `callback` once, at the next `changed()`. What it returns takes it back. */
  whenChanged(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** What was held back may have a way now. */
  changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of waiting) callback();
  }
}

function keyOf(one: string, other: string): string {
  return JSON.stringify([one, other].sort());
}
