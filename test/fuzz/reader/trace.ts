/** What both sides tell of a script: one step for each operation, in the same words. */

/** How a read ended, or what an operation threw. */
export interface Outcome {
  /** As `showBytes` shows them. */
  readonly bytes?: string;
  /** An iterator gave no line. */
  readonly done?: true;
  /** The name of the error's class. */
  readonly error?: string;
  readonly message?: string;
  readonly partial?: string;
  readonly expected?: number | null;
  readonly consumed?: number;
  /** Only LineTooLongError, of this library, has it. */
  readonly dropped?: number;
}

export interface ReaderStep {
  /** What the operation itself threw. */
  readonly thrown?: Outcome;
  /** After a turn: the reads that have settled since the last one, by their number. */
  readonly settled?: readonly (readonly [read: number, outcome: Outcome])[];
  /** What the reader asked of its transport during the operation: `P` to pause, `R` to resume. */
  readonly calls?: string;
  readonly buffered?: number;
  readonly atEof?: boolean;
  /** The message of what `exception()` gives. */
  readonly exception?: string | null;
}
