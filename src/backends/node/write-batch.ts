/** What is written within a tick, gathered so that it can leave in one system call. */

/** Arrays of up to this size are copied; larger ones cost less by reference. Documented at `Transport.write`. */
export const COPY_UP_TO = 2048;

export class WriteBatch {
  #pieces: Uint8Array[] = [];
  /** Copies that come behind `#pieces`; they become one piece. */
  #copies: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(data: Uint8Array): void {
    this.#bytes += data.length;
    if (data.length <= COPY_UP_TO) {
      this.#copies.push(Buffer.from(data));
      return;
    }
    this.#joinCopies();
    this.#pieces.push(data);
  }

  /** Everything, in order, in few pieces: one system call takes about a thousand. Empties the batch. */
  take(): Uint8Array[] {
    this.#joinCopies();
    const taken = this.#pieces;
    this.clear();
    return taken;
  }

  clear(): void {
    this.#pieces = [];
    this.#copies = [];
    this.#bytes = 0;
  }

  #joinCopies(): void {
    const copies = this.#copies;
    if (copies.length > 0) this.#pieces.push(copies.length === 1 ? copies[0]! : Buffer.concat(copies));
    this.#copies = [];
  }
}
