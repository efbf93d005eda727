/** What each kind of read takes from the queue: bytes; `undefined` when it has to wait for more; or it throws. */
import { IncompleteReadError, LimitOverrunError, LineTooLongError } from "../errors.js";
import type { ByteQueue } from "./byte-queue.js";
import type { SeparatorSearch } from "./separator-search.js";

type Bytes = Buffer<ArrayBuffer>;

/** Up to `size` bytes; none only at the end. */
export function takeSome(queue: ByteQueue, size: number, ended: boolean): Bytes | undefined {
  if (queue.length === 0 && !ended) return undefined;
  return queue.take(Math.min(size, queue.length));
}

/** Everything, once the end is there. */
export function takeAll(queue: ByteQueue, ended: boolean): Bytes | undefined {
  return ended ? queue.take(queue.length) : undefined;
}

/** What arrived together, as it came; none only at the end. */
export function takeChunk(queue: ByteQueue, ended: boolean): Bytes | undefined {
  if (queue.length > 0) return queue.takeChunk();
  return ended ? queue.take(0) : undefined;
}

/** Exactly `size` bytes. At the end the rest leaves the queue in an `IncompleteReadError`. */
export function takeExactly(queue: ByteQueue, size: number, ended: boolean): Bytes | undefined {
  if (queue.length >= size) return queue.take(size);
  if (ended) throw new IncompleteReadError(queue.take(queue.length), size);
  return undefined;
}

/** Copies of up to `size` bytes that stay in the queue; none only at the end. */
export function peekSome(queue: ByteQueue, size: number, ended: boolean): Bytes | undefined {
  if (queue.length === 0 && !ended) return undefined;
  return queue.peek(Math.min(size, queue.length));
}

/** A copy of exactly `size` bytes. They stay in the queue, also at the end, which is an `IncompleteReadError`. */
export function peekExactly(queue: ByteQueue, size: number, ended: boolean): Bytes | undefined {
  if (queue.length >= size) return queue.peek(size);
  if (ended) throw new IncompleteReadError(queue.peek(queue.length), size);
  return undefined;
}

/**
 * All up to and including the separator. More than `limit` bytes before it, or before the place where it could still
 * begin, is a `LimitOverrunError` and takes nothing, even at the end. At the end without a separator the rest leaves
 * the queue in an `IncompleteReadError`.
 */
export function takeThrough(
  queue: ByteQueue,
  search: SeparatorSearch,
  limit: number,
  ended: boolean,
): Bytes | undefined {
  const match = search.find(queue);
  if (match !== undefined) {
    if (match.start <= limit) return queue.take(match.end);
    throw new LimitOverrunError("Separator is found, but chunk is longer than limit", match.start);
  }
  if (search.clean > limit) {
    throw new LimitOverrunError("Separator is not found, and chunk exceed the limit", search.clean);
  }
  if (ended) throw new IncompleteReadError(queue.take(queue.length), undefined);
  return undefined;
}

/**
 * Drops a line above the limit, of which `overrun` tells: through its newline if that is there already, else all that is
 * queued.
 */
export function dropLine(queue: ByteQueue, limit: number, overrun: LimitOverrunError): LineTooLongError {
  const dropped = Math.min(overrun.consumed + 1, queue.length);
  queue.skip(dropped);
  return new LineTooLongError(overrun.message, limit, dropped);
}
