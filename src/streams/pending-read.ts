/** A read that waits: until what it needs is there, and no longer than its bounds allow. */
import type { Bounds } from "../waiting/bounds.js";
import { SOON } from "../waiting/promised.js";

/** What a read is of. */
export interface ReadSource {
  /** What `attempt` gives now; `undefined` if more has to come. Throws what ends the read. */
  retry<Result>(attempt: () => Result | undefined): Result | undefined;
  /** It does not wait any more. */
  readEnded(read: PendingRead<unknown>): void;
}

/** How the promise of a read is settled. */
export interface Settle<Result> {
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

export class PendingRead<Result> {
  readonly #source: ReadSource;
  readonly #attempt: () => Result | undefined;
  readonly #settle: Settle<Result>;
  readonly #bounds: Bounds | undefined;
  readonly #stopWatch: (() => void) | undefined;
  #isWoken = false;
  #isOver = false;
  #isCancelled = false;

  constructor(
    source: ReadSource,
    attempt: () => Result | undefined,
    settle: Settle<Result>,
    bounds?: Bounds,
  ) {
    this.#source = source;
    this.#attempt = attempt;
    this.#settle = settle;
    this.#bounds = bounds;
    this.#stopWatch = bounds?.watch((reason) => this.cancel(reason));
  }

  /** Whether its bounds have ended it, even if it has not heard of that yet. Another read may then wait. */
  get isCancelled(): boolean {
    return this.#isCancelled || this.#bounds?.isAborted === true;
  }

  /** It tries again, a moment later: what comes until then counts too, also what cancels it. */
  wake(): void {
    if (this.#isWoken || this.#isOver) return;
    this.#isWoken = true;
    void SOON.then(() => this.#tryAgain());
  }

  /** It has got what it needs. Nothing counts any more. */
  succeed(result: Result): void {
    if (this.#end()) this.#settle.resolve(result);
  }

  fail(reason: unknown): void {
    if (this.#end()) this.#settle.reject(reason);
  }

  /** For good: it has taken nothing. No effect once it is over. */
  cancel(reason: unknown): void {
    if (!this.#isOver) this.#isCancelled = true;
    this.fail(reason);
  }

  #tryAgain(): void {
    this.#isWoken = false;
    if (this.#isOver) return;
    try {
      const result = this.#source.retry(this.#attempt);
      if (result !== undefined) this.succeed(result);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Neither a timer nor a listener is left. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#stopWatch?.();
    this.#source.readEnded(this);
    return true;
  }
}
