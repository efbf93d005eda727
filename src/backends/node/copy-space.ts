/** Where small writes are copied to, one behind the other, until they have left. */

/** A stretch of memory that any number of batches append to in turn. */
export class CopySpace {
  /** Bytes. As much as a batch may hold before it is sent at once, with the last write. */
  static readonly SIZE: number = 65_536 + 2_048;
  readonly bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(CopySpace.SIZE);
  /** Bytes from here on are free. */
  used = 0;
  /** Batches with copies here that have not left. */
  #holders = 0;
  /** Somebody else still reads what has left. */
  #isLent = false;

  hasRoomFor(size: number): boolean {
    return this.used + size <= CopySpace.SIZE;
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

/** Gives out one space until it is full, and then another one. */
export class CopySpaces {
  #current: CopySpace | undefined;

  /** One with room for `size` bytes. */
  withRoomFor(size: number): CopySpace {
    if (this.#current?.hasRoomFor(size) !== true) this.#current = new CopySpace();
    return this.#current;
  }
}
