/** What lies between two ends in memory: counted up to where the code under test has read, not to where a buffer has. */
import type { ReceiveWindow } from "./network/socket-channel.js";
import type { FlowControl, ReceiveBuffer } from "../streams/receive-buffer.js";

/**
 * The window of one end: it takes `capacity` bytes that nobody has read, and more only for a read that waits for them.
 * What it has taken above that counts as with the sender until it is read, or a read that waits for more has claimed it.
 */
export class ReadAhead implements FlowControl, ReceiveWindow {
  readonly #capacity: number;
  #buffer: ReceiveBuffer | undefined;
  #changed: () => void = () => {};
  /** Whether a read has found too little since bytes last came. */
  #isAsked = false;
  /** Whether that read did not wait. */
  #isAskedOnce = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Looks at what is read from `buffer`; calls `changed` when the window may have become larger. */
  watch(buffer: ReceiveBuffer, changed: () => void): void {
    this.#buffer = buffer;
    this.#changed = changed;
    buffer.controlFlowBy(this);
  }

  // What the sender asks.

  room(arrived: number): number {
    const free = Math.max(0, this.#capacity - arrived - this.#unread);
    if (arrived > 0 || !this.#isWanted) return free;
    return Math.max(free, this.#capacity || Infinity);
  }

  excess(arrived: number): number {
    const unread = this.#isClaimed ? 0 : this.#unread;
    return Math.max(0, arrived + unread - this.#capacity);
  }

  takenOver(): void {
    this.#buffer?.controlFlowBy();
  }

  // What the buffer tells. The window alone holds bytes back, so the buffer is never full.

  get isFull(): boolean {
    return false;
  }

  becomesFull(): boolean {
    this.#isAsked = false;
    return false;
  }

  becomesFree(): boolean {
    this.#changed();
    return false;
  }

  release(): boolean {
    this.#isAsked = true;
    this.#isAskedOnce = !this.#buffer!.isReadPending;
    this.#changed();
    return false;
  }

  get #unread(): number {
    return this.#buffer?.queue.length ?? 0;
  }

  get #isWanted(): boolean {
    return this.#isAsked && (this.#isAskedOnce || this.#buffer!.isReadPending);
  }

  /** Whether a read waits that needs all that is buffered, and more. */
  get #isClaimed(): boolean {
    return this.#isAsked && this.#buffer!.isReadPending;
  }
}
