/** Ends a connection over which nothing has come for too long. */
import { IdleTimeoutError } from "../errors.js";
import type { Clock } from "../waiting/clock.js";

export interface IdleWatched {
  isReading(): boolean;
  endWith(error: Error): void;
}

/** A byte costs it a look at the clock: its one timer looks, when it fires, at when the last one came. */
export class IdleWatch {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #watched: IdleWatched;
  #since = 0;
  #isSecondLook = false;
  #cancelTimer: (() => void) | undefined;

  /** `limit` in ms. Begins with `restart`. */
  constructor(limit: number, clock: Clock, watched: IdleWatched) {
    this.#limit = limit;
    this.#clock = clock;
    this.#watched = watched;
  }

  /** Something has come, or can come again after a pause. */
  restart(): void {
    this.#since = this.#clock.now();
    if (this.#isSecondLook) this.stop();
    if (this.#cancelTimer === undefined) this.#setTimer(this.#limit);
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#isSecondLook = false;
  }

  #setTimer(delay: number): void {
    this.#cancelTimer = this.#clock.setTimer(delay, () => this.#onTimer(), "background");
  }

  /**
   * While paused nothing can come; the end of the pause restarts it. An event loop that was busy runs its timers before it
   * takes what has come meanwhile, so this looks once more behind that.
   */
  #onTimer(): void {
    this.#cancelTimer = undefined;
    if (!this.#watched.isReading()) return;
    const left = this.#since + this.#limit - this.#clock.now();
    if (left > 0) this.#setTimer(left);
    else if (this.#isSecondLook) this.#watched.endWith(new IdleTimeoutError(this.#limit));
    else {
      this.#isSecondLook = true;
      this.#setTimer(0);
    }
  }
}
