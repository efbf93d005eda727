/** Small parts of a received chunk: copies, so that a kept line does not keep 64 KiB alive, but not each one its own. */
import { copyOf, ownCopyOf } from "./copy-of.js";
import { viewOn } from "./view-on.js";

/** Bytes. The memory that a part shares with others, and so keeps alive, is no larger. */
export const SHARED_UP_TO = 8192;

const NOTHING = new ArrayBuffer(0);

/**
 * The first part is a copy of its own. Those that follow share copies, each twice as large as the last, and are views on
 * these. Once a copy has the full size, chunks that are no larger are shared themselves.
 */
export class SmallParts {
  /** Has the bytes of the chunk up to `#end`, each by `#shift` further on than in the chunk. */
  #memory = NOTHING;
  #shift = 0;
  #end = 0;
  /** Of the last copy. */
  #size = 0;
  #areMany = false;

  /** Whether so many came from one chunk that there will be more. */
  get areMany(): boolean {
    return this.#areMany;
  }

  /** The `size` bytes of `chunk` from `from` on. */
  take(chunk: Buffer<ArrayBuffer>, from: number, size: number): Buffer<ArrayBuffer> {
    if (from + size > this.#end) {
      if (this.#areMany && chunk.buffer.byteLength <= SHARED_UP_TO) this.#share(chunk);
      else {
        const part = chunk.subarray(from, from + this.#sizeOfNext(from, size));
        this.#end = from + part.length;
        this.#size = part.length;
        if (part.length === size) return copyOf(part);
        this.#copy(part, from);
      }
    }
    return viewOn(this.#memory, from + this.#shift, size);
  }

  /** The chunk has been taken. */
  forget(): void {
    this.#memory = NOTHING;
    this.#end = this.#size = 0;
  }

  #share(chunk: Buffer<ArrayBuffer>): void {
    this.#memory = chunk.buffer;
    this.#shift = chunk.byteOffset;
    this.#end = chunk.length;
  }

  #copy(part: Buffer<ArrayBuffer>, from: number): void {
    this.#memory = ownCopyOf(part).buffer;
    this.#shift = -from;
    this.#areMany ||= part.length === SHARED_UP_TO;
  }

  /** What is skipped in between would be copied for nothing. */
  #sizeOfNext(from: number, size: number): number {
    const isNear = from < this.#end + this.#size;
    return isNear ? Math.max(size, Math.min(2 * this.#size, SHARED_UP_TO)) : size;
  }
}
