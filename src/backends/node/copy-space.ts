/** Where small writes are copied to, one behind the other, until they have left. */

/** Bytes. As much as a batch may hold before it is sent at once. */
const SIZE = 65_536;

/** A stretch of memory that any number of batches append to in turn. */
export class CopySpace {
  readonly bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(SIZE);
  /** Bytes from here on are free. */
  used = 0;
  /** Batches with copies here that have not left. */
  #holders = 0;
  /** Somebody else still reads what has left. */
  #isLent = false;

  hasRoomFor(size: number): boolean {
    return this.used + size <= SIZE;
  }

  hold(): void {
    this.#holders++;
  }

  /** `isRead`: nobody needs the copies of this batch any more. */
  release(isRead: boolean): void {
    if (!isRead) this.#isLent = true;
    if (--this.#holders === 0 && !this.#isLent) this.used = 0;
  }
}

/** The spaces of a process: one that is in use, and those before it that were full, as long as somebody needs them. */
export class CopySpaces {
  #current: CopySpace | undefined;

  /** One with room for `size` bytes. */
  withRoomFor(size: number): CopySpace {
    if (this.#current?.hasRoomFor(size) !== true) this.#current = new CopySpace();
    return this.#current;
  }
}
