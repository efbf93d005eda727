/** What a reader has received and nobody has read: fed by a protocol, taken from by one read at a time. */
import { ByteQueue } from "../bytes/byte-queue.js";
import { Watermarks } from "../bytes/watermarks.js";
import { InvalidStateError, NotImplementedError } from "../errors.js";
import type { Transport } from "../transport/transport.js";
import type { Bounds } from "../waiting/bounds.js";
import { systemClock, type Clock } from "../waiting/clock.js";
import type { Intake } from "./intake.js";
import { PendingRead, type ReadSource } from "./pending-read.js";

/** The limit of a reader that is not given one, in bytes. */
export const DEFAULT_LIMIT = 65_536;

/** In bytes: what a read of so many needs is put together, once so many have come: who only announces much gets no memory. */
const COLLECT_FROM = 16_384;

/** What says when a buffer has enough. Both the marks of a connection and the kit for tests do. */
export type FlowControl = Pick<Watermarks, "isFull" | "becomesFull" | "becomesFree" | "release">;

/** What a full buffer pauses. */
export type Pausable = Pick<Transport, "pauseReading" | "resumeReading">;

export class ReceiveBuffer implements ReadSource {
  readonly limit: number;
  readonly clock: Clock;
  readonly queue: ByteQueue = new ByteQueue();
  #marks: FlowControl;
  #transport: Pausable | undefined;
  #eof = false;
  #exception: Error | undefined;
  /** Whether the exception is raised before bytes that are still buffered. */
  #exceptionFirst = false;
  #pending: PendingRead<unknown> | undefined;
  /** That of the pending read, if it has one. */
  #intake: Intake<unknown> | undefined;
  /** The method that it is kept for. */
  #lockedBy: string | undefined;

  constructor(limit: number, clock: Clock = systemClock) {
    this.limit = limit;
    this.clock = clock;
    this.#marks = new Watermarks(2 * limit, limit);
  }

  // For whoever reads: begin, try to take, else wait and try again.

  get hasEof(): boolean {
    return this.#eof;
  }

  /** Whether nothing more comes. After an error that no longer counts: reads that need more get the error. */
  get isEnded(): boolean {
    return this.#eof && this.#exception === undefined;
  }

  get exception(): Error | undefined {
    return this.#exception;
  }

  get isReadPending(): boolean {
    return this.#pending !== undefined && !this.#pending.isCancelled;
  }

  /** The read that waits, if one does. */
  get pendingRead(): Pick<PendingRead<unknown>, "cancel"> | undefined {
    return this.#pending;
  }

  begin(method: string): void {
    this.#checkUnlocked(method);
    if (this.isReadPending) {
      throw new InvalidStateError(
        `${method}() called while another coroutine is already waiting for incoming data`,
      );
    }
    if (this.#exceptionFirst) throw this.#exception!;
  }

  /**
   * What `attempt` gives, at once or as soon as that is not `undefined`. At the bounds it is not tried any more. What comes
   * may go to `intake` instead.
   */
  take<Result>(
    attempt: () => Result | undefined,
    bounds?: Bounds,
    intake?: () => Intake<Result>,
  ): Promise<Result> {
    const result = attempt();
    return result === undefined ? this.wait(attempt, bounds, intake?.()) : Promise.resolve(result);
  }

  /** As `take`, when `attempt` has just given `undefined`. What comes may go to `intake` instead. */
  wait<Result>(attempt: () => Result | undefined, bounds?: Bounds, intake?: Intake<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#throwIfLost();
      const read = new PendingRead<Result>(this, attempt, { resolve, reject }, bounds);
      this.#pending = read;
      this.#intake = intake;
      try {
        // It waits first, in case the transport delivers at once.
        this.#letFlow();
      } catch (error) {
        read.fail(error);
      }
    });
  }

  retry<Result>(attempt: () => Result | undefined): Result | undefined {
    if (this.#exceptionFirst) throw this.#exception!;
    return this.tryTake(attempt);
  }

  readEnded(read: PendingRead<unknown>): void {
    if (this.#pending === read) this.#pending = this.#intake = undefined;
  }

  /** What `attempt` gives now. If that is `undefined` the transport goes on, as for a read that waits. */
  tryTake<Result>(attempt: () => Result | undefined): Result | undefined {
    const result = attempt();
    if (result === undefined) this.needMore();
    return result;
  }

  /** The transport goes on. @throws what the connection was lost with */
  needMore(): void {
    this.#throwIfLost();
    this.#letFlow();
  }

  /** To be called when bytes were taken. */
  resumeIfFree(): void {
    if (this.#marks.becomesFree(this.queue.length)) this.#transport?.resumeReading();
  }

  // For whoever feeds.

  /** Gives `bytes`, which are kept only by `keep`, to a read that waits. Returns how many it has taken. */
  offer(bytes: Uint8Array, keep?: () => void): number {
    const intake = this.#intake;
    if (intake === undefined || !this.isReadPending) return 0;
    let taken = 0;
    if (this.queue.length === 0) {
      taken = intake.fill(bytes, keep);
      if (intake.result !== undefined) this.#pending!.succeed(intake.result);
    }
    const needed = intake.needed ?? 0;
    if (taken === 0) taken = this.#collect(bytes, needed);
    if (taken === bytes.length) return taken;
    const rest = taken === 0 ? bytes : bytes.subarray(taken);
    if (this.queue.isTakenInSmallParts) this.queue.pushForSmallParts(rest);
    else if (taken > 0 && needed >= COLLECT_FROM) this.queue.pushForMore(rest, needed);
    else return taken;
    this.#pending?.wake();
    this.#pauseIfFull();
    return bytes.length;
  }

  /** What comes for a read of much is put together as it comes, and the read need not look at it before all is there. */
  #collect(bytes: Uint8Array, needed: number): number {
    const { queue } = this;
    if (needed < COLLECT_FROM || queue.length >= needed || queue.length + bytes.length < COLLECT_FROM)
      return 0;
    const taken = queue.collect(bytes, needed);
    if (queue.length === needed) this.#pending!.wake();
    return taken;
  }

  feed(data: Uint8Array): void {
    if (this.#eof) throw new InvalidStateError("feedData() called after feedEof()");
    if (data.length === 0) return;
    this.queue.push(data);
    this.#pending?.wake();
    this.#pauseIfFull();
  }

  /** Puts bytes back, in front of all others. */
  unread(data: Uint8Array): void {
    this.queue.unshift(data);
    this.#pauseIfFull();
  }

  feedEof(): void {
    this.#eof = true;
    this.#pending?.wake();
  }

  /** `first`: before what is buffered. */
  feedError(error: Error, first: boolean): void {
    this.#exception = error;
    this.#exceptionFirst ||= first;
    this.#pending?.wake();
  }

  setTransport(transport: Pausable): void {
    if (this.#transport !== undefined) throw new InvalidStateError("Transport already set");
    this.#transport = transport;
  }

  /** @throws InvalidStateError if a read is pending, or it is locked */
  checkIdle(method: string): void {
    this.#checkUnlocked(method);
    if (this.isReadPending)
      throw new InvalidStateError(`${method}() called while a read is waiting for incoming data`);
  }

  /**
   * Puts `flow` in the place of the marks: it hears how much is buffered after bytes came (`becomesFull`) and after some
   * were taken (`becomesFree`), and of each read that needs more (`release`). Without one the marks are back.
   */
  controlFlowBy(flow?: FlowControl): void {
    this.#marks = flow ?? new Watermarks(2 * this.limit, this.limit);
  }

  // For an upgrade to TLS, during which nobody reads, and for a relay, which alone takes.

  /** Refuses reads until `unlock`; `take` itself goes on. @throws InvalidStateError if a read is pending, or it is locked already */
  lock(method: string): void {
    this.checkIdle(method);
    this.#lockedBy = method;
  }

  unlock(): void {
    this.#lockedBy = undefined;
  }

  /** Gives all that is buffered to another layer, as if it had never come. */
  takeBack(): Buffer<ArrayBuffer> {
    this.#marks.release();
    return this.queue.take(this.queue.length);
  }

  replaceTransport(transport: Pausable): void {
    this.#transport = transport;
  }

  toString(): string {
    const parts: string[] = [];
    if (this.queue.length > 0) parts.push(`${this.queue.length} bytes`);
    if (this.#eof) parts.push("eof");
    if (this.limit !== DEFAULT_LIMIT) parts.push(`limit=${this.limit}`);
    if (this.isReadPending) parts.push("waiter");
    if (this.#exception !== undefined) parts.push(`exception=${String(this.#exception)}`);
    if (this.#transport !== undefined) parts.push("transport");
    if (this.#marks.isFull) parts.push("paused");
    return parts.join(" ");
  }

  // Steps.

  #checkUnlocked(method: string): void {
    if (this.#lockedBy === undefined) return;
    throw new InvalidStateError(`${method}() called during ${this.#lockedBy}()`);
  }

  #throwIfLost(): void {
    if (this.#exception !== undefined) throw this.#exception;
  }

  /** Who needs more than there is lets the transport go on, whatever is buffered: it may need more than the limit. */
  #letFlow(): void {
    if (this.#marks.release()) this.#transport?.resumeReading();
  }

  #pauseIfFull(): void {
    if (this.#transport !== undefined && this.#marks.becomesFull(this.queue.length)) this.#pause();
  }

  /** A transport that cannot pause is never asked again. */
  #pause(): void {
    try {
      this.#transport!.pauseReading();
    } catch (error) {
      this.#marks.release();
      if (!(error instanceof NotImplementedError)) throw error;
      this.#transport = undefined;
    }
  }
}
