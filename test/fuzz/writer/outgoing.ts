/** What is known of the bytes that our end has sent. Kernel buffers are why it is not much: they take what they like. */
import type { Limits, Script } from "./script.js";

/** More than the kernel takes of one connection, and a MiB on top: 208 KiB of a Unix socket, 4.5 MiB of TCP. */
const MUCH: Readonly<Record<Script["socket"], number>> = { unix: 1_572_864, tcp: 6_291_456 };
/** How often much may be written in a script. */
const MOST_MUCH = 2;
/** A high mark above all that is ever written. */
export const UNREACHED = 16_777_216;
/** A read of the peer that makes no room worth speaking of. */
const LITTLE = 16_384;
/** How much may be under way that fits into the kernel for sure. */
const FITS = 32_768;
const DEFAULT_HIGH = 65_536;

export class Outgoing {
  /** How much is much. */
  readonly much: number;
  /** Written, and not read by the peer. */
  underWay = 0;
  /** Written in the tick that runs. */
  inTick = 0;
  /** The kernel has not taken all: more is left than any mark that can be reached. Else it has taken all after the tick. */
  isFull = false;
  /** Writing is paused. */
  isPaused = false;
  /** … but asyncio has missed it. */
  isPauseMissed = false;
  #high = DEFAULT_HIGH;
  #timesMuch = 0;

  constructor(socket: Script["socket"]) {
    this.much = MUCH[socket];
  }

  get canWriteMuch(): boolean {
    return this.#timesMuch < MOST_MUCH;
  }

  /** Whether the state is certain after that many more. */
  canWrite(n: number): boolean {
    return this.isFull || this.underWay + n <= FITS;
  }

  write(n: number): void {
    this.underWay += n;
    this.inTick += n;
    if (n > 0) this.#pauseIfAbove();
  }

  /** CPython 3.13.0 does not look at the marks then. */
  writeLines(n: number): void {
    const isMissed = this.isPauseMissed || !this.isPaused;
    this.write(n);
    this.isPauseMissed = isMissed && this.isPaused;
  }

  writeMuch(how: "write" | "writeLines"): void {
    this.#timesMuch++;
    this.isFull = true;
    this[how](this.much);
  }

  /** Whether the limits are right, and what follows certain. */
  canMoveMarks(limits: Limits): boolean {
    const { high, low } = filledIn(limits);
    return !isRight(high, low) || !this.isFull || low < UNREACHED / 4;
  }

  moveMarks(limits: Limits): void {
    const { high, low } = filledIn(limits);
    if (!isRight(high, low)) return;
    this.#high = high;
    this.#pauseIfAbove();
  }

  /** How many of `n` bytes the peer can read without making room. */
  readable(n: number): number {
    return Math.min(n, this.isFull ? LITTLE : this.underWay);
  }

  /** The peer has read all. */
  allRead(): void {
    this.underWay = 0;
    this.isFull = false;
    this.isPaused = false;
    this.isPauseMissed = false;
  }

  #pauseIfAbove(): void {
    if (!this.isFull || this.#high >= UNREACHED) return;
    this.isPaused = true;
    this.isPauseMissed = false;
  }
}

function filledIn({ high, low }: Limits): { high: number; low: number } {
  const newHigh = high ?? (low === undefined ? DEFAULT_HIGH : 4 * low);
  return { high: newHigh, low: low ?? Math.floor(newHigh / 4) };
}

function isRight(high: number, low: number): boolean {
  return high >= low && low >= 0;
}
