/** A race in which the runners start one after the other (RFC 8305, section 5). */
import type { Clock } from "../waiting/clock.js";

/** Starts one attempt; aborted, it frees what it has and rejects. */
export type Attempt<Prize> = (signal: AbortSignal) => Promise<Prize>;

/** Times in ms since the race began. */
interface Failure {
  readonly startedAt: number;
  readonly failedAt: number;
  readonly error: unknown;
}

export interface RaceOptions<Prize> {
  readonly clock: Clock;
  /** After so many ms the next attempt starts beside the one before; `undefined`: only when that has failed. */
  readonly delay: number | undefined;
  readonly signal: AbortSignal;
  /** Frees what an attempt has won after the race was over. */
  readonly discard: (prize: Prize) => void;
}

/** Either the first success, or the failures of all attempts, in the order of their start. */
export type RaceResult<Prize> = { readonly prize: Prize } | { readonly failures: readonly Failure[] };

/**
 * Starts the first attempt, and each further one when the one before it fails or the delay has passed. The first success
 * ends the race: the other attempts are aborted, and should one succeed all the same, its prize is discarded. Rejects
 * only with the reason of `signal`, after it has aborted all attempts.
 */
export function staggeredRace<Prize>(
  attempts: readonly Attempt<Prize>[],
  { clock, delay, signal, discard }: RaceOptions<Prize>,
): Promise<RaceResult<Prize>> {
  return new Promise((resolve, reject) => {
    const everyone = new AbortController();
    const failures: Failure[] = [];
    const begin = clock.now();
    let started = 0;
    let failed = 0;
    let isOver = false;
    let cancelTimer = () => {};

    /** `running`: how many attempts go on; most often none, and an abort costs much. */
    const finish = (running: number, settle: () => void) => {
      isOver = true;
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
      if (running > 0) everyone.abort();
      settle();
    };
    const onAbort = () => finish(started - failed, () => reject(signal.reason));

    const startNext = () => {
      cancelTimer();
      const index = started++;
      const startedAt = clock.now() - begin;
      attempts[index]!(everyone.signal).then(
        (prize) => {
          if (isOver) discard(prize);
          else finish(started - failed - 1, () => resolve({ prize }));
        },
        (error: unknown) => {
          if (isOver) return;
          failures[index] = { startedAt, failedAt: clock.now() - begin, error };
          if (++failed === attempts.length) finish(0, () => resolve({ failures }));
          else if (index === started - 1 && started < attempts.length) startNext();
        },
      );
      if (delay !== undefined && started < attempts.length) cancelTimer = clock.setTimer(delay, startNext);
    };

    if (signal.aborted) onAbort();
    else if (attempts.length === 0) resolve({ failures });
    else {
      signal.addEventListener("abort", onAbort);
      startNext();
    }
  });
}
