/** A queue of bytes: received chunks in, bytes out in order. The head moves; what is queued is never re-packed. */
import { copyOf, OWN_UP_TO, ownCopyOf } from "./copy-of.js";
import { SHARED_UP_TO, SmallParts } from "./small-parts.js";

/**
 * Results of up to this size are copies, so that a kept line does not keep a 64 KiB chunk alive. Measured: a copy costs
 * 0.1 µs up to 512 bytes and 0.25 µs at 1 KiB, a view 0.05 µs at any size; from 2 KiB on the copy costs ten views.
 */
const COPY_UP_TO = 1024;

/**
 * Chunks of up to this size that queue up behind others are gathered in pages: a peer that dribbles single bytes would
 * otherwise cost a few hundred bytes of memory for each.
 */
const GATHER_UP_TO = 256;
const PAGE_SIZE = 4096;

/** The memory for what is collected is at most so many times as large as what is there. */
const MOST_AHEAD = 16;

const EMPTY: Buffer<ArrayBuffer> = Buffer.alloc(0);

/** A byte of the queue: which of its chunks, and where in that. */
export interface Place {
  readonly index: number;
  readonly start: number;
}

/** Bytes as they arrived, in order. All positions count from the first byte that has not been taken. */
export class ByteQueue {
  /** Chunks before `#first` have been taken; of chunk `#first`, the `#offset` bytes at its start. */
  #chunks: Buffer<ArrayBuffer>[] = [];
  #first = 0;
  #offset = 0;
  #length = 0;
  #moved = 0;
  /** Of the first chunk. A large result ends it, and what it knows. */
  #smallParts: SmallParts | undefined;
  /** Where small chunks are gathered; its bytes from `#pageUsed` on are free, those before never change again. */
  #page: Buffer<ArrayBuffer> | undefined;
  #pageUsed = 0;

  /** How many bytes are queued. */
  get length(): number {
    return this.#length;
  }

  /** Grows with every change at the head, by the size of what was taken or put back. */
  get moved(): number {
    return this.#moved;
  }

  /** Where in chunk 0 the first byte is. */
  get headStart(): number {
    return this.#offset;
  }

  /** What is left of the first chunk, of which there must be one: a view, and nothing is removed. */
  get head(): Buffer<ArrayBuffer> {
    const head = this.#chunks[this.#first]!;
    return this.#offset === 0 ? head : head.subarray(this.#offset);
  }

  /** Takes `chunk` over: the caller does not write to it afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (chunk.length <= GATHER_UP_TO && this.#length > 0) this.#gather(chunk);
    else this.#chunks.push(asBuffer(chunk));
    this.#length += chunk.length;
  }

  /** Whether what is taken are small parts, many of each chunk. */
  get isTakenInSmallParts(): boolean {
    return this.#smallParts?.areMany === true;
  }

  /** Copies `bytes` to behind all others, so that small parts of them can be views. */
  pushForSmallParts(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; start += SHARED_UP_TO) {
      this.push(ownCopyOf(bytes.subarray(start, start + SHARED_UP_TO)));
    }
  }

  /** Copies `bytes` to behind all others, so that the last of several messages of `size` bytes each can be collected there. */
  pushForMore(bytes: Uint8Array, size: number): void {
    const whole = Math.ceil(bytes.length / size) * size;
    this.#page = Buffer.allocUnsafeSlow(whole <= MOST_AHEAD * bytes.length ? whole : bytes.length);
    this.#pageUsed = 0;
    this.#gather(bytes);
    this.#length += bytes.length;
  }

  /**
   * Copies the first of `bytes` to behind all others, so that the first `size` bytes of the queue, of which there are less,
   * will lie in one chunk. Returns how many: no more than these need.
   */
  collect(bytes: Uint8Array, size: number): number {
    const taken = Math.min(bytes.length, size - this.#length);
    const page = this.#page;
    const isTogether = page !== undefined && this.chunkCount === 1 && this.chunkAt(0).buffer === page.buffer;
    if (!isTogether || page.length - this.#pageUsed < taken) this.#moveToPage(size, taken);
    this.#gather(taken < bytes.length ? bytes.subarray(0, taken) : bytes);
    this.#length += taken;
    if (this.#length === size) this.#page = undefined;
    return taken;
  }

  /** Puts a copy of `data` in front of all others. */
  unshift(data: Uint8Array): void {
    if (data.length === 0) return;
    const head = this.#chunks[this.#first];
    if (head !== undefined) this.#chunks[this.#first] = head.subarray(this.#offset);
    if (this.#first > 0) this.#chunks[--this.#first] = Buffer.from(data);
    else this.#chunks.unshift(Buffer.from(data));
    this.#offset = 0;
    this.#smallParts = undefined;
    this.#length += data.length;
    this.#moved += data.length;
  }

  /** Removes and returns the first `size` bytes, of which there must be as many. They are the caller's own. */
  take(size: number): Buffer<ArrayBuffer> {
    if (size === 0) return EMPTY;
    if (size > COPY_UP_TO) this.#smallParts = undefined;
    const head = this.#chunks[this.#first]!;
    const available = head.length - this.#offset;
    if (size > available) {
      const joined = this.peek(size);
      this.skip(size);
      return joined;
    }
    const isSmallPart = size <= COPY_UP_TO && size < head.length;
    const taken = isSmallPart ? this.#smallPart(head, size) : cut(head, this.#offset, size);
    this.#advance(size, available);
    return taken;
  }

  /** Removes and returns what is left of the first chunk, of which there must be one, without copying it. */
  takeChunk(): Buffer<ArrayBuffer> {
    const chunk = this.head;
    this.#advance(chunk.length, chunk.length);
    return chunk;
  }

  /** Removes the first bytes into `target`, as many as there are and fit, and returns their number. */
  takeInto(target: Uint8Array): number {
    const size = Math.min(target.length, this.#length);
    for (let filled = 0; filled < size;) {
      const head = this.#chunks[this.#first]!;
      const available = head.length - this.#offset;
      const copied = head.copy(target, filled, this.#offset);
      this.#advance(copied, available);
      filled += copied;
    }
    return size;
  }

  /** A copy of the first `size` bytes, of which there must be as many; nothing is removed. */
  peek(size: number): Buffer<ArrayBuffer> {
    return size === 0 ? EMPTY : this.copyAt(this.locate(0), size);
  }

  /** The byte at `position`, where there must be one. */
  byteAt(position: number): number {
    const { index, start } = this.locate(position);
    return this.chunkAt(index)[start]!;
  }

  /** Drops the first `size` bytes, of which there must be as many. */
  skip(size: number): void {
    while (size > 0) {
      const available = this.#chunks[this.#first]!.length - this.#offset;
      const step = Math.min(size, available);
      this.#advance(step, available);
      size -= step;
    }
  }

  /** Drops up to `size` bytes, and returns how many there were. */
  skipUpTo(size: number): number {
    const skipped = Math.min(size, this.#length);
    this.skip(skipped);
    return skipped;
  }

  /** A copy of the `size` bytes from a place on, of which there must be as many; nothing is removed. */
  copyAt({ index, start }: Place, size: number): Buffer<ArrayBuffer> {
    const copy = Buffer.allocUnsafe(size);
    for (let filled = 0; filled < size; index++) {
      filled += this.chunkAt(index).copy(copy, filled, start);
      start = 0;
    }
    return copy;
  }

  /** How many chunks hold the bytes. */
  get chunkCount(): number {
    return this.#chunks.length - this.#first;
  }

  /** The chunk at `index`, whole: chunk 0 may start with bytes that were taken (see `locate`). */
  chunkAt(index: number): Buffer<ArrayBuffer> {
    return this.#chunks[this.#first + index]!;
  }

  /** Where position `position` lies, of which there must be a byte; by a walk from the nearer end. */
  locate(position: number): Place {
    if (position < this.#length / 2) {
      let index = 0;
      let start = this.#offset + position;
      while (start >= this.chunkAt(index).length) start -= this.chunkAt(index++).length;
      return { index, start };
    }
    let index = this.chunkCount;
    let start = position - this.#length;
    while (start < 0) start += this.chunkAt(--index).length;
    return { index, start };
  }

  /** Moves the head on by `size` of the `available` bytes of the first chunk. */
  #advance(size: number, available: number): void {
    this.#length -= size;
    this.#moved += size;
    if (size < available) {
      this.#offset += size;
      return;
    }
    this.#offset = 0;
    this.#smallParts?.forget();
    this.#chunks[this.#first++] = EMPTY;
    if (this.#length === 0) {
      this.#chunks.length = 0;
      this.#first = 0;
      this.#page = undefined;
    } else if (this.#first >= 64 && this.#first * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #smallPart(head: Buffer<ArrayBuffer>, size: number): Buffer<ArrayBuffer> {
    return (this.#smallParts ??= new SmallParts()).take(head, this.#offset, size);
  }

  /** Everything to a page with room for `more`, and for all of the `size` bytes if enough of them are there. */
  #moveToPage(size: number, more: number): void {
    const page = Buffer.allocUnsafeSlow(Math.min(size, MOST_AHEAD * (this.#length + more)));
    const used = this.takeInto(page);
    this.#page = page;
    this.#pageUsed = this.#length = used;
    if (used > 0) this.#chunks.push(page.subarray(0, used));
  }

  #gather(chunk: Uint8Array): void {
    if (this.#page === undefined || this.#pageUsed + chunk.length > this.#page.length) {
      this.#page = Buffer.allocUnsafeSlow(PAGE_SIZE);
      this.#pageUsed = 0;
    }
    const start = this.#pageUsed;
    this.#page.set(chunk, start);
    this.#pageUsed += chunk.length;
    const last = this.#chunks.length - 1;
    const tail = this.#chunks[last];
    if (tail !== undefined && tail.buffer === this.#page.buffer && tail.byteOffset + tail.length === start) {
      this.#chunks[last] = this.#page.subarray(tail.byteOffset, this.#pageUsed);
    } else {
      this.#chunks.push(this.#page.subarray(start, this.#pageUsed));
    }
  }
}

function cut(chunk: Buffer<ArrayBuffer>, start: number, size: number): Buffer<ArrayBuffer> {
  if (size === chunk.length && chunk.buffer.byteLength <= mostMemoryFor(size)) return chunk;
  const view = chunk.subarray(start, start + size);
  return size > COPY_UP_TO ? view : copyOf(view);
}

/** How large the memory of a chunk may be that is given whole, without a copy: a copy would not keep less alive. */
function mostMemoryFor(size: number): number {
  return size > OWN_UP_TO ? Math.max(2 * size, Buffer.poolSize) : 2 * size;
}

function asBuffer(chunk: Uint8Array): Buffer<ArrayBuffer> {
  const { buffer } = chunk;
  if (!(buffer instanceof ArrayBuffer)) return Buffer.from(chunk);
  if (Buffer.isBuffer(chunk)) return chunk as Buffer<ArrayBuffer>;
  return Buffer.from(buffer, chunk.byteOffset, chunk.byteLength);
}
