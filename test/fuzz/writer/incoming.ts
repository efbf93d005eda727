/** What is known of the bytes that our end receives. */

const PERIOD = 251;
const NEWLINE = 10;

/** A read that waits for more than there is. */
export interface PendingRead {
  readonly handle: number;
  /** With so many bytes it is done, and takes as many as it asked for. */
  readonly needs: number;
  readonly takes: number;
}

export class Incoming {
  /** Sent by the peer, and not read. */
  unread = 0;
  sent = 0;
  /** Nothing more comes, and a read knows. */
  hasEof = false;
  /** How it was fed in pieces decides, once more than twice the limit has come. */
  isPaused: "no" | "yes" | "perhaps" = "no";
  pending: PendingRead | undefined;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The peer sends `n` bytes. Without any, nothing is noticed. */
  receive(n: number): void {
    if (n === 0) return;
    this.sent += n;
    this.unread += n;
    const isAwaited = this.pending !== undefined && this.pending.needs > this.unread;
    if (!isAwaited && this.unread > 2 * this.#limit) this.isPaused = "yes";
  }

  /** A read that has to wait lets everything in. */
  wait(pending: PendingRead): void {
    this.pending = pending;
    this.isPaused = "no";
  }

  consume(n: number): void {
    this.unread -= n;
    if (this.unread <= this.#limit) this.isPaused = "no";
    else if (this.isPaused !== "no") this.isPaused = this.unread > 2 * this.#limit ? "yes" : "perhaps";
  }

  /** What the pending read is done with, if it is; it is none any more then. */
  takePending(): PendingRead | undefined {
    const { pending } = this;
    if (pending === undefined || !(this.hasEof || this.unread >= pending.needs)) return undefined;
    this.pending = undefined;
    this.consume(Math.min(pending.takes, this.unread));
    return pending;
  }

  /** Whether `n` bytes can be read at once whatever the pieces were. */
  canRead(n: number): boolean {
    return this.isPaused === "no" || n <= this.#limit;
  }

  /** The length of the next line, if all of it is there and within the limit. */
  get line(): number | undefined {
    const position = (this.sent - this.unread) % PERIOD;
    const length = ((NEWLINE - position + PERIOD) % PERIOD) + 1;
    return length <= this.unread && length <= this.#limit ? length : undefined;
  }
}
