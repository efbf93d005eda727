/** What the fuzz needs to know of one kind of script. */
import type * as fc from "fast-check";

/** What one step of a script led to: a JSON value. */
export type Step = unknown;

/** One kind of script, and the two programs that carry it out. */
export interface Kind<Script> {
  readonly name: "reader" | "writer" | "tls";
  /** Scripts are JSON values; fast-check shrinks them. */
  readonly scripts: fc.Arbitrary<Script>;
  /** The path of the Python program: it reads one JSON script a line, and answers one JSON array of steps a line, in order. */
  readonly program: string;
  /** Carries a script out with this library. */
  run(script: Script): Promise<Step[]>;
  /** Rewrites both traces where they differ on purpose; names each difference that it used (a name in docs/differences.md). */
  reconcile(
    script: Script,
    ours: Step[],
    theirs: Step[],
    used: (difference: string) => void,
  ): { ours: Step[]; theirs: Step[] };
  /** How many scripts may run at once (1 for the reader; network kinds may overlap). */
  readonly concurrency: number;
  /** A script as the source of a test case. */
  show(script: Script): string;
  /** Makes ready what both programs need; before they start. */
  open?(): Promise<void>;
  /** Ends what `run` keeps for the next time, once nothing runs any more. */
  close?(): Promise<void>;
}
