/** Tells when bytes have stopped to move. */
import type { Clock } from "../waiting/clock.js";

/** It looks now and then instead of setting a timer for each byte. */
export class RelayWatch {
  readonly #clock: Clock;
  /** In ms. */
  readonly #limit: number;
  readonly #unsentBytes: () => number;
  readonly #onIdle: () => void;
  #lastMove: number;
  #unsentBefore: number;
  #cancelTimer: () => void;

  /**
   * Calls `onIdle` once, `limit` ms after the last move. What a peer takes is a move too: it shows in `unsentBytes`, and
   * counts from when it is seen, up to `limit` ms later.
   */
  constructor(clock: Clock, limit: number, unsentBytes: () => number, onIdle: () => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#unsentBytes = unsentBytes;
    this.#onIdle = onIdle;
    this.#lastMove = clock.now();
    this.#unsentBefore = unsentBytes();
    this.#cancelTimer = clock.setTimer(limit, () => this.#look());
  }

  /** Bytes were passed on. */
  moved(): void {
    this.#lastMove = this.#clock.now();
    this.#unsentBefore = this.#unsentBytes();
  }

  dispose(): void {
    this.#cancelTimer();
  }

  #look(): void {
    if (this.#unsentBytes() < this.#unsentBefore) this.moved();
    const left = this.#lastMove + this.#limit - this.#clock.now();
    if (left <= 0) this.#onIdle();
    else this.#cancelTimer = this.#clock.setTimer(Math.ceil(left), () => this.#look());
  }
}
