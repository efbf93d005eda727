/** What is written within a tick, gathered so that it can leave in one system call. */
import { CopySpace, CopySpaces } from "./copy-space.js";

/** Arrays of up to this size are copied; larger ones cost less by reference. Documented at `Transport.write`. */
export const COPY_UP_TO = 2048;

/** Of all batches: they are filled and taken within a tick, so that little memory serves many. */
const copySpaces = new CopySpaces();

export class WriteBatch {
  readonly #copies: "shared" | "own";
  #pieces: Uint8Array[] | undefined;
  /** The copies that come behind `#pieces`, and become one piece: from `#start` to `#end` of `#space`. */
  #start = 0;
  #end = 0;
  #space: CopySpace | undefined;
  /** Spaces before that one, with copies that have not been sent: only of a large batch. */
  #earlier: CopySpace[] | undefined;
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
      this.#addPiece(data);
      return;
    }
    const space = this.#space;
    const isFollowed = space?.used !== this.#end;
    if (space === undefined || isFollowed) this.#beginCopies(length);
    else if (!space.hasRoomFor(length)) this.#moveCopies(space, length);
    this.#copy(data);
  }

  /** Everything, in order, in few pieces: one system call takes about a thousand. Until `sent` shared ones stay as they are. */
  take(): Uint8Array[] {
    this.#endCopies();
    const taken = this.#pieces;
    this.#pieces = undefined;
    this.#bytes = 0;
    return taken ?? [];
  }

  /** What was taken has been handed on, and if `isRead` nobody needs it any more. */
  sent(isRead: boolean): void {
    const isFree = isRead || this.#copies === "own";
    this.#space?.release(isFree);
    this.#space = undefined;
    if (this.#earlier === undefined) return;
    for (const space of this.#earlier) space.release(isFree);
    this.#earlier = undefined;
  }

  clear(): void {
    this.take();
    this.sent(true);
  }

  #beginCopies(size: number): void {
    this.#endCopies();
    const space = copySpaces.withRoomFor(size);
    if (space !== this.#space) {
      space.hold();
      if (this.#space !== undefined) (this.#earlier ??= []).push(this.#space);
      this.#space = space;
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
    const space = this.#space!;
    space.bytes.set(data, space.used);
    this.#end = space.used += data.length;
  }

  #endCopies(): void {
    if (this.#end > this.#start) {
      const piece = this.#space!.bytes.subarray(this.#start, this.#end);
      this.#addPiece(this.#copies === "shared" ? piece : Buffer.from(piece));
    }
    this.#start = this.#end = 0;
  }

  #addPiece(piece: Uint8Array): void {
    if (this.#pieces === undefined) this.#pieces = [piece];
    else this.#pieces.push(piece);
  }
}
