/** Time that a test moves. */
import { checkBoolean, checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import type { Clock } from "../waiting/clock.js";
import { nextTurn } from "./event-loop.js";

/** What a virtual clock is made with. */
export interface VirtualClockOptions {
  /** Whether time jumps to the next timer as soon as nothing else can happen. Default false. */
  readonly autoAdvance?: boolean | undefined;
}

/**
 * After so many turns of the event loop in which nothing has arrived anywhere, what was set in motion has come to rest.
 * A protocol answers within one or two, a TLS engine within a few more.
 */
const QUIET_TURNS = 12;

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/**
 * A clock that begins at 0 and stands still until somebody moves it: a test by `advance()`, or with `autoAdvance` the
 * clock itself, which jumps to the next timer as soon as nothing else can happen.
 *
 * It sees what its timers and a `memoryNetwork()` set in motion. Work outside of it (files, child processes, threads)
 * takes no virtual time: with `autoAdvance` a time-out may pass meanwhile.
 */
export class VirtualClock implements Clock {
  #now = 0;
  /** The next one first; of those at the same time the one that was set first. */
  readonly #timers: Timer[] = [];
  readonly #isAutomatic: boolean;
  #isRunning = false;
  /** Calls of `advance()` that have not returned: then the clock does not move by itself. */
  #calls = 0;
  #isStirred = false;

  /** @throws TypeError for wrong options */
  constructor(options?: VirtualClockOptions) {
    const { autoAdvance = false } = checkOptions<VirtualClockOptions>("VirtualClock", options, [
      "autoAdvance",
    ]);
    this.#isAutomatic = checkBoolean("autoAdvance", autoAdvance);
  }

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /**
   * Runs `callback` once, when `delay` ms have passed; never within this call. What it returns takes the timer back.
   *
   * @throws TypeError or RangeError unless `delay` is a number of at least 0
   */
  setTimer(delay: number, callback: () => void): () => void {
    const timer = { due: this.#now + checkDuration("delay", delay), callback };
    this.#timers.splice(this.#timers.findLastIndex(({ due }) => due <= timer.due) + 1, 0, timer);
    this.#runByItself();
    return () => void this.#takeBack(timer);
  }

  /**
   * Lets `ms` milliseconds pass: timers run at their time and in its order, each followed by all that it has set in
   * motion. Rejects with what a timer throws.
   *
   * @throws TypeError or RangeError unless `ms` is a number of at least 0
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + checkDuration("ms", ms);
    this.#calls++;
    try {
      await this.#settle();
      while (this.#runNext(end)) await this.#settle();
      this.#now = Math.max(this.#now, end);
    } finally {
      this.#calls--;
    }
  }

  /**
   * Lets `ms` milliseconds pass at once, as when the process was stopped, or its event loop busy: timers that are due by
   * then run late, all at the new time, and before anything that is under way arrives; then follows the rest. Rejects with
   * what a timer throws.
   *
   * @throws TypeError or RangeError unless `ms` is a number of at least 0
   */
  async jump(ms: number): Promise<void> {
    this.#now += checkDuration("ms", ms);
    for (const timer of this.#timers.filter(({ due }) => due <= this.#now)) {
      if (this.#takeBack(timer)) timer.callback();
    }
    await this.advance(0);
  }

  /** Tells that something has happened at this moment, and that time has to wait for what follows from it. */
  stir(): void {
    this.#isStirred = true;
  }

  // Steps.

  /** Whether it was still to run. */
  #takeBack(timer: Timer): boolean {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
    return index >= 0;
  }

  #runByItself(): void {
    if (!this.#isAutomatic || this.#isRunning) return;
    this.#isRunning = true;
    void this.#run().finally(() => {
      this.#isRunning = false;
      if (this.#timers.length > 0) this.#runByItself();
    });
  }

  async #run(): Promise<void> {
    while (this.#timers.length > 0) {
      await this.#settle();
      if (this.#calls === 0) this.#runNext(Infinity);
    }
  }

  /** Whether there was a timer to run, not later than `end`. */
  #runNext(end: number): boolean {
    const [timer] = this.#timers;
    if (timer === undefined || timer.due > end) return false;
    this.#timers.shift();
    this.#now = Math.max(this.#now, timer.due);
    timer.callback();
    return true;
  }

  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      this.#isStirred = false;
      await nextTurn();
      if (this.#isStirred) quiet = -1;
    }
  }
}

function checkDuration(name: string, value: unknown): number {
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number of milliseconds, not ${kindOf(value)}`);
  if (!(value >= 0 && value < Infinity))
    throw new RangeError(`${name} must be at least 0 ms and finite, got ${value}`);
  return value;
}
