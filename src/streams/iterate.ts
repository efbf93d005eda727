/** Loops over what a read gives. */
import type { Bounds } from "../waiting/bounds.js";
import { promised } from "../waiting/promised.js";
import type { Intake } from "./intake.js";
import type { ReceiveBuffer } from "./receive-buffer.js";

/** What a step takes when nothing more comes. */
export const END: unique symbol = Symbol("end");

/** Why a read has ended that a loop waited for when it was left. */
const LEFT = Symbol("left");

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

export interface Step<Value> {
  /** Throws what forbids a step now. */
  begin(): void;
  /** Takes the next value from the buffer, or gives END; `undefined` if more must come first. */
  take(): Value | typeof END | undefined;
  /** Where what comes may go instead, while it waits. */
  readonly intake?: Intake<Value>;
}

/**
 * Iterates over what `step` takes, to the end, or until the loop is left. Left while it waits, also by somebody else who
 * holds the iterator, it has taken nothing: the read that it waits for is cancelled, and no other one. The bounds count for
 * each step on its own. What is there already costs one promise: an async generator would cost three times as much.
 */
export function iterate<Value extends object | string>(
  buffer: ReceiveBuffer,
  step: Step<Value>,
  bounds?: Bounds,
): AsyncIterableIterator<Value, undefined> {
  let isLeft = false;
  let own: ReceiveBuffer["pendingRead"];
  const take = () => step.take();
  const wait = async (): Promise<IteratorResult<Value, undefined>> => {
    const reading = buffer.wait(take, bounds, step.intake);
    own = buffer.pendingRead;
    try {
      return toResult(await reading);
    } catch (error) {
      if (error !== LEFT) throw error;
      return DONE;
    }
  };
  const iterator: AsyncIterableIterator<Value, undefined> = {
    next() {
      if (isLeft) return Promise.resolve(DONE);
      return promised(() => {
        bounds?.throwIfAborted();
        step.begin();
        const value = step.take();
        return value === undefined ? wait() : Promise.resolve(toResult(value));
      });
    },
    async return() {
      isLeft = true;
      own?.cancel(LEFT);
      return DONE;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

function toResult<Value>(value: Value | typeof END): IteratorResult<Value, undefined> {
  return value === END ? DONE : { value, done: false };
}
