/** Ends a connection whose peer has stopped taking what is written. */
import { WriteStallError } from "../errors.js";
import type { Clock } from "../waiting/clock.js";

export interface StallWatched {
  /** What is written and the kernel has not taken, in bytes. */
  getWriteBufferSize(): number;
  /** What the kernel has, and the peer's has not; as of `mostAge` ms ago at most. `undefined` if that is not known. */
  unacknowledgedBytes(mostAge: number): number | undefined;
  endWith(error: Error): void;
}

/** So often within the limit it looks for progress, as long as something is buffered. */
const LOOKS = 4;

/**
 * The kernel takes a slow reader's bytes in large steps, on a loopback of more than a MiB. So between them it is asked for
 * smaller ones: but only once none of the buffered bytes has moved for a quarter of the limit.
 */
export class StallWatch {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #watched: StallWatched;
  #written = 0;
  /** Of what was written, at the last look. */
  #taken = 0;
  #unacknowledged: number | undefined;
  #looksWithoutProgress = 0;
  #cancelTimer: (() => void) | undefined;

  /** `limit` in ms. */
  constructor(limit: number, clock: Clock, watched: StallWatched) {
    this.#limit = limit;
    this.#clock = clock;
    this.#watched = watched;
  }

  /** To be called for all that is written. */
  wrote(bytes: number): void {
    this.#written += bytes;
    if (this.#cancelTimer === undefined) this.#setTimer();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #setTimer(): void {
    this.#cancelTimer = this.#clock.setTimer(this.#limit / LOOKS, () => this.#look(), "background");
  }

  /** Without anything buffered there is no timer until something is written. */
  #look(): void {
    this.#cancelTimer = undefined;
    const buffered = this.#watched.getWriteBufferSize();
    this.#looksWithoutProgress = this.#hasProgressed(buffered) ? 0 : this.#looksWithoutProgress + 1;
    if (buffered === 0) return;
    if (this.#looksWithoutProgress < LOOKS) this.#setTimer();
    else this.#watched.endWith(new WriteStallError(this.#limit));
  }

  #hasProgressed(buffered: number): boolean {
    const taken = this.#written - buffered;
    if (taken > this.#taken) {
      this.#taken = taken;
      this.#unacknowledged = undefined;
      return true;
    }
    const before = this.#unacknowledged;
    this.#unacknowledged = this.#watched.unacknowledgedBytes(this.#limit / LOOKS / 2);
    return before !== undefined && this.#unacknowledged !== undefined && this.#unacknowledged < before;
  }
}
