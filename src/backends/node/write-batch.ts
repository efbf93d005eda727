/** What is written within a tick, gathered so that it can leave in one system call. */
import { CopySpaces, type CopySpace } from "./copy-space.js";

/** Arrays of up to this size are copied; larger ones cost less by reference. Documented at `Transport.write`. */
export const COPY_UP_TO = 2048;

/** Of all batches: they are filled and taken within a tick, so that little memory serves many. */
const copySpaces = new CopySpaces();

export class WriteBatch {
  readonly #copies: "shared" | "own";
  #pieces: Uint8Array[] = [];
  /** The copies that come behind `#pieces`, and become one piece: from `#start` to `#end` of the last of `#held`. */
  #start = 0;
  #end = 0;
  readonly #held: CopySpace[] = [];
  #bytes = 0;

  /**
   * `copies`: `"shared"` ones lie in memory that is used again once they are `sent`; `"own"` ones are the receiver's, who may
   * keep them.
   */
  constructor(copies: "shared" | "own") {
    this.#copies = copies;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(data: Uint8Array): void {
    const { length } = data;
    this.#bytes += length;
    if (length > COPY_UP_TO) {
      this.#endCopies();
      this.#pieces.push(data);
      return;
    }
    let space = this.#held.at(-1);
    if (space === undefined || space.used !== this.#end || !space.hasRoomFor(length)) {
      space = this.#beginCopies(length);
    }
    space.bytes.set(data, space.used);
    space.used += length;
    this.#end = space.used;
  }

  /** Everything, in order, in few pieces: one system call takes about a thousand. Until `sent` shared ones stay as they are. */
  take(): Uint8Array[] {
    this.#endCopies();
    const taken = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    return taken;
  }

  /** What was taken has been handed on, and if `isRead` nobody needs it any more. */
  sent(isRead: boolean): void {
    const isFree = isRead || this.#copies === "own";
    for (const space of this.#held) space.release(isFree);
    this.#held.length = 0;
  }

  clear(): void {
    this.take();
    this.sent(true);
  }

  #beginCopies(size: number): CopySpace {
    this.#endCopies();
    const space = copySpaces.withRoomFor(size);
    if (space !== this.#held.at(-1)) {
      space.hold();
      this.#held.push(space);
    }
    this.#start = this.#end = space.used;
    return space;
  }

  #endCopies(): void {
    if (this.#end > this.#start) {
      const piece = this.#held.at(-1)!.bytes.subarray(this.#start, this.#end);
      this.#pieces.push(this.#copies === "shared" ? piece : Buffer.from(piece));
    }
    this.#start = this.#end = 0;
  }
}
