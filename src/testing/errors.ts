/** The errors of the kit for tests. Their messages are for the person who reads a failed test. */

/** The code under test did not do what the script expects. */
export class ScriptError extends Error {
  static {
    this.prototype.name = "ScriptError";
  }
  readonly code = "ERR_SCRIPT";
  /** The step that failed, from 1 on; one more than there are when the script was through, and something was wrong then. */
  readonly step: number;
  /** What had come and no step before has taken. */
  readonly received: Buffer<ArrayBuffer>;

  constructor(message: string, step: number, received: Buffer<ArrayBuffer>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.step = step;
    this.received = received;
  }
}

/** A parser gives something else when its input is cut differently. */
export class SplitError extends Error {
  static {
    this.prototype.name = "SplitError";
  }
  readonly code = "ERR_SPLIT";
  /** Where the input was cut: before the bytes at these positions. */
  readonly cuts: readonly number[];
  /** What `everySplit()` was run with. */
  readonly seed: number;

  constructor(message: string, cuts: readonly number[], seed: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.cuts = cuts;
    this.seed = seed;
  }
}

/** A transcript is not one: `line` says where. */
export class TranscriptError extends Error {
  static {
    this.prototype.name = "TranscriptError";
  }
  readonly code = "ERR_TRANSCRIPT";
  /** From 1 on. */
  readonly line: number;

  constructor(problem: string, line: number) {
    super(`Line ${line} of the transcript: ${problem}`);
    this.line = line;
  }
}
