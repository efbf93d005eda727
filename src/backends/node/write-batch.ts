/** What is written within a tick, gathered so that it can leave in one system call. */
import { CopySpace, CopySpaces } from "./copy-space.js";

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
    const last = this.#held.at(-1);
    const isFollowed = last?.used !== this.#end;
    if (last === undefined || isFollowed) this.#beginCopies(length);
    else if (!last.hasRoomFor(length)) this.#moveCopies(last, length);
    this.#copy(data);
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

  #beginCopies(size: number): void {
    this.#endCopies();
    const space = copySpaces.withRoomFor(size);
    if (space !== this.#held.at(-1)) {
      space.hold();
      this.#held.push(space);
    }
    this.#start = this.#end = space.used;
  }

  /** To a space with room for all of them and `size` bytes more, so that they stay one piece, unless no space is so large. */
  #moveCopies(from: CopySpace, size: number): void {
    const copies = from.bytes.subarray(this.#start, this.#end);
    if (copies.length + size > CopySpace.SIZE) {
      this.#beginCopies(size);
      return;
    }
    this.#start = this.#end;
    this.#beginCopies(copies.length + size);
    this.#copy(copies);
  }

  #copy(data: Uint8Array): void {
    const space = this.#held.at(-1)!;
    space.bytes.set(data, space.used);
    this.#end = space.used += data.length;
  }

  #endCopies(): void {
    if (this.#end > this.#start) {
      const piece = this.#held.at(-1)!.bytes.subarray(this.#start, this.#end);
      this.#pieces.push(this.#copies === "shared" ? piece : Buffer.from(piece));
    }
    this.#start = this.#end = 0;
  }
}
