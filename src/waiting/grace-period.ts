/** A limit of time that several may set, and that can only come nearer. */
import type { Clock } from "./clock.js";

export class GracePeriod {
  readonly #clock: Clock;
  readonly #isOver: () => void;
  #limit = Infinity;
  #cancelTimer: (() => void) | undefined;

  /** `isOver` is called at the limit, at most once. */
  constructor(clock: Clock, isOver: () => void) {
    this.#clock = clock;
    this.#isOver = isOver;
  }

  /** It is over in `ms` milliseconds at the latest; for 0, at once. */
  endWithin(ms: number): void {
    const limit = this.#clock.now() + ms;
    if (limit >= this.#limit) return;
    if (ms === 0) {
      this.cut();
      return;
    }
    this.#limit = limit;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.setTimer(ms, () => this.cut());
  }

  /** It is over now. Idempotent. */
  cut(): void {
    if (this.#limit === -Infinity) return;
    this.cancel();
    this.#limit = -Infinity;
    this.#isOver();
  }

  /** Takes the limit away; no timer is left. */
  cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
