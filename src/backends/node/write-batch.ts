/** What is written within a tick, gathered so that it can leave in one system call. */

/** Arrays of up to this size are copied; larger ones cost less by reference. Documented at `Transport.write`. */
export const COPY_UP_TO = 2048;

/** Small pieces are joined up to this size; larger than that, they leave side by side. */
const JOIN_UP_TO = 65_536;

export class WriteBatch {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #hasLarge = false;

  get bytes(): number {
    return this.#bytes;
  }

  add(data: Uint8Array): void {
    const isLarge = data.length > COPY_UP_TO;
    this.#pieces.push(isLarge ? data : Buffer.from(data));
    this.#bytes += data.length;
    this.#hasLarge ||= isLarge;
  }

  /** Everything, in order, in as few pieces as is cheap. Empties the batch. */
  take(): Uint8Array[] {
    const pieces = this.#pieces;
    const join = pieces.length > 1 && !this.#hasLarge && this.#bytes <= JOIN_UP_TO;
    const taken = join ? [Buffer.concat(pieces, this.#bytes)] : pieces;
    this.clear();
    return taken;
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#hasLarge = false;
  }
}
