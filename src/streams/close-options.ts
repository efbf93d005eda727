/** How long `close()` may take: what it is told, and the limit itself. */
import { checkOptions, checkTimeout } from "../checks.js";
import type { Clock } from "../waiting/clock.js";

/** What `close()` takes. */
export interface CloseOptions {
  /**
   * After so many ms the connection is aborted, and what has not been sent is dropped. `waitClosed()` resolves then, as
   * after `abort()`. Called again, the earlier limit holds. Default: no limit.
   */
  readonly timeout?: number | undefined;
}

export function checkCloseOptions(options: CloseOptions | undefined): CloseOptions {
  const given = checkOptions<CloseOptions>("close()", options, ["timeout"]);
  if (given.timeout !== undefined) checkTimeout("timeout", given.timeout);
  return given;
}

/** Aborts a connection that takes too long to close. */
export class CloseLimit {
  readonly #clock: Clock;
  readonly #abort: () => void;
  #due = Infinity;
  #cancelTimer = (): void => {};

  constructor(clock: Clock, abort: () => void) {
    this.#clock = clock;
    this.#abort = abort;
  }

  /** Aborts after `timeout` ms, unless that is set to happen earlier, or the connection has `closed` before. */
  lower(timeout: number, closed: Promise<void>): void {
    const due = this.#clock.now() + timeout;
    if (due < this.#due) {
      this.#cancelTimer();
      this.#due = due;
      this.#cancelTimer = this.#clock.setTimer(timeout, this.#abort);
    }
    const cancel = () => this.#cancelTimer();
    closed.then(cancel, cancel);
  }
}
