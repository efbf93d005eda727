/** What a connection does, in few words: the reference for a real one. */

/** Everything that can be called or can happen. The result is what came of it, as text; `"waits"` for a call that has not ended. */
export interface ConnectionCalls<Outcome> {
  read(size: number): Outcome;
  readExactly(size: number): Outcome;
  readLine(): Outcome;
  write(size: number): Outcome;
  drain(): Outcome;
  flush(): Outcome;
  waitClosed(): Outcome;
  writeEof(): Outcome;
  close(): Outcome;
  abort(): Outcome;
  reset(): Outcome;
  peerWrites(text: string): Outcome;
  peerEnds(): Outcome;
  peerResets(): Outcome;
  peerStopsReading(): Outcome;
  peerReadsOn(): Outcome;
}

/** What lies between the ends before a peer that does not read is felt, in bytes. */
export const KERNEL = 65_536;
/** With more than the high mark waiting `drain()` waits too, until it is at most the low one. */
export const HIGH_MARK = 65_536;
export const LOW_MARK = 16_384;

export class ConnectionModel implements ConnectionCalls<string> {
  isClosing = false;
  /** Whether something that was written need not arrive. */
  hasDropped = false;
  #isLost = false;
  #error: string | undefined;
  #isEofWritten = false;
  #hasPeerEnded = false;
  #isPeerReading = true;
  /** Received and not read. */
  #unread = "";
  /** Written, and not taken by the peer. */
  #untaken = 0;
  #isFull = false;

  read(size: number): string {
    if (size === 0 || this.#unread !== "") return this.#take(size);
    return this.#whenMissing() ?? "";
  }

  readExactly(size: number): string {
    if (this.#unread.length >= size) return this.#take(size);
    return this.#whenMissing() ?? `IncompleteReadError ${this.#take(size)}`;
  }

  readLine(): string {
    const end = this.#unread.indexOf("\n");
    if (end >= 0) return this.#take(end + 1);
    return this.#whenMissing() ?? this.#take(Infinity);
  }

  write(size: number): string {
    if (this.#isEofWritten) return "InvalidStateError";
    if (this.isClosing || this.#isPeerReading) return "";
    // What is written counts until the tick is over.
    this.#isFull ||= this.#buffered + size > HIGH_MARK;
    this.#untaken += size;
    this.#isFull &&= this.#buffered > LOW_MARK;
    return "";
  }

  drain(): string {
    return this.#whyClosed() ?? (this.#isFull ? "waits" : "");
  }

  flush(): string {
    return this.#whyClosed() ?? (this.#buffered > 0 ? "waits" : "");
  }

  waitClosed(): string {
    return this.#isLost ? (this.#error ?? "") : "waits";
  }

  writeEof(): string {
    if (!this.isClosing) this.#isEofWritten = true;
    return this.#endIfDone();
  }

  close(): string {
    this.isClosing = true;
    return this.#endIfDone();
  }

  abort(): string {
    this.hasDropped ||= this.#buffered > 0;
    return this.#lose(undefined);
  }

  reset(): string {
    return this.abort();
  }

  peerWrites(text: string): string {
    if (!this.isClosing && !this.#hasPeerEnded) this.#unread += text;
    return "";
  }

  peerEnds(): string {
    this.#hasPeerEnded ||= !this.isClosing;
    return this.#endIfDone();
  }

  peerResets(): string {
    this.hasDropped = true;
    return this.#lose(this.#hasPeerEnded ? "BrokenPipeError" : "ConnectionResetError");
  }

  peerStopsReading(): string {
    this.#isPeerReading = false;
    return "";
  }

  peerReadsOn(): string {
    this.#isPeerReading = true;
    this.#untaken = 0;
    this.#isFull = false;
    return this.#endIfDone();
  }

  get #buffered(): number {
    return Math.max(0, this.#untaken - KERNEL);
  }

  #take(size: number): string {
    const taken = this.#unread.slice(0, size);
    this.#unread = this.#unread.slice(taken.length);
    return taken;
  }

  /** What becomes of a read that needs more than there is; `undefined` at the end of the stream. */
  #whenMissing(): string | undefined {
    if (this.#error !== undefined) return this.#error;
    return this.#isLost || this.#hasPeerEnded ? undefined : "waits";
  }

  #whyClosed(): string | undefined {
    if (this.#error !== undefined) return this.#error;
    return this.isClosing ? "ConnectionResetError" : undefined;
  }

  /** Both directions have ended, or ours was closed, and all that was written is with the system. */
  #endIfDone(): string {
    const isOver = this.isClosing || (this.#isEofWritten && this.#hasPeerEnded);
    return isOver && this.#buffered === 0 ? this.#lose(undefined) : "";
  }

  #lose(error: string | undefined): string {
    if (!this.#isLost) this.#error = error;
    this.#isLost = true;
    this.isClosing = true;
    return "";
  }
}
