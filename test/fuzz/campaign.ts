/** Many scripts of one kind, each carried out by CPython and by this library, up to the first that they disagree on. */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import type { Difference } from "./differences.js";
import type { Kind, Step } from "./kind.js";
import { PythonWorker } from "./python-worker.js";

/** Scripts that are sampled, and on their way, together. */
const BATCH = 500;

/** So many cases must meet every difference of the table that their kind can meet; fewer may miss a rare one. */
const CASES_THAT_MEET_ALL = { reader: 10_000, writer: 500, tls: 500 };

/** How long it may take to make a failing script smaller, and this library to carry one out, in ms. */
const SHRINK_TIME = 120_000;
const RUN_TIMEOUT = 60_000;

export interface CampaignOptions {
  readonly cases: number;
  /** A whole number of 31 bits: the same seed gives the same scripts. */
  readonly seed: number;
  /** The command of CPython. */
  readonly python: string;
  readonly differences: readonly Difference[];
  /** From how many cases on a difference that was not met is a failure. */
  readonly casesThatMeetAll?: number;
  /** How long CPython may take for one script, in ms. */
  readonly answerTimeout?: number;
}

/** What became of one script. */
export interface Verdict<Script> {
  readonly script: Script;
  /** The traces, rewritten where they differ on purpose. */
  readonly ours: readonly Step[];
  readonly theirs: readonly Step[];
  /** The differences that the rewriting used, and those of them that are not in the table. */
  readonly used: readonly string[];
  readonly unknown: readonly string[];
  readonly agrees: boolean;
}

export interface Failure<Script> {
  /** Made as small as it goes. */
  readonly verdict: Verdict<Script>;
  /** What repeats it: it is the last one of so many cases with this seed. */
  readonly seed: number;
  readonly cases: number;
  readonly shrinks: number;
}

export interface CampaignResult<Script> {
  /** How many were compared. */
  readonly cases: number;
  /** How many scripts met each difference. */
  readonly used: ReadonlyMap<string, number>;
  readonly failure: Failure<Script> | undefined;
  /** Differences of the table that nothing has met, if there were cases enough to meet all. */
  readonly unused: readonly string[];
}

/** @throws Error if one of the two sides cannot carry a script out, or takes too long for it */
export async function runCampaign<Script>(
  kind: Kind<Script>,
  options: CampaignOptions,
): Promise<CampaignResult<Script>> {
  await kind.open?.();
  const python = new PythonWorker(options.python, kind.program, options.answerTimeout);
  try {
    return await new Campaign(kind, options, python).run();
  } finally {
    await python.close();
    await kind.close?.();
  }
}

class Campaign<Script> {
  readonly #kind: Kind<Script>;
  readonly #options: CampaignOptions;
  readonly #python: PythonWorker;
  readonly #known: readonly string[];
  readonly #used = new Map<string, number>();

  constructor(kind: Kind<Script>, options: CampaignOptions, python: PythonWorker) {
    this.#kind = kind;
    this.#options = options;
    this.#python = python;
    this.#known = options.differences
      .filter(({ kinds }) => kinds.includes(kind.name))
      .map(({ name }) => name);
  }

  /** CPython works on the next batch while this side runs and compares the one before. */
  async run(): Promise<CampaignResult<Script>> {
    let next = this.#begin(0);
    for (let first = 0; first < this.#options.cases; first += BATCH) {
      const batch = next;
      if (first + BATCH < this.#options.cases) next = this.#begin(first + BATCH);
      const index = await this.#firstDisagreement(batch);
      if (index >= 0) {
        const failure = await this.#shrink(batch.scripts[index]!, batch.seed, index);
        return { cases: first + index + 1, used: this.#used, failure, unused: [] };
      }
    }
    const { cases, casesThatMeetAll = CASES_THAT_MEET_ALL[this.#kind.name] } = this.#options;
    const unused = cases < casesThatMeetAll ? [] : this.#known.filter((name) => !this.#used.has(name));
    return { cases, used: this.#used, failure: undefined, unused };
  }

  // Steps.

  #begin(first: number): Batch<Script> {
    const seed = seedOfBatch(this.#options.seed, first / BATCH);
    const numRuns = Math.min(BATCH, this.#options.cases - first);
    const scripts = fc.sample(this.#kind.scripts, { seed, numRuns });
    const answers = this.#python.ask(scripts);
    answers.catch(() => {}); // Whoever awaits them hears of it.
    return { seed, scripts, answers };
  }

  async #firstDisagreement({ scripts, answers }: Batch<Script>): Promise<number> {
    const ours: Step[][] = [];
    let next = 0;
    const runner = async () => {
      while (next < scripts.length) {
        const index = next++;
        ours[index] = await this.#runOurs(scripts[index]!);
      }
    };
    await Promise.all(Array.from({ length: this.#kind.concurrency }, runner));
    const theirs = (await answers) as Step[][];
    return scripts.findIndex((script, index) => {
      const verdict = this.#judge(script, ours[index]!, theirs[index]!);
      for (const name of verdict.used) this.#used.set(name, (this.#used.get(name) ?? 0) + 1);
      return !verdict.agrees;
    });
  }

  /** @throws Error that names the script if it takes too long, or fails other than by a step that says so */
  async #runOurs(script: Script): Promise<Step[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${RUN_TIMEOUT} ms`)), RUN_TIMEOUT);
    });
    try {
      return await Promise.race([this.#kind.run(script), late]);
    } catch (cause) {
      throw new Error(`This library could not carry out:\n${this.#kind.show(script)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  #judge(script: Script, ours: Step[], theirs: Step[]): Verdict<Script> {
    const used = new Set<string>();
    // As JSON values: what is `undefined` here is absent there.
    const plain = JSON.parse(JSON.stringify(ours)) as Step[];
    const traces = this.#kind.reconcile(script, plain, theirs, (name) => used.add(name));
    const unknown = [...used].filter((name) => !this.#known.includes(name));
    const agrees = unknown.length === 0 && isDeepStrictEqual(traces.ours, traces.theirs);
    return { script, ...traces, used: [...used], unknown, agrees };
  }

  async #verdict(script: Script): Promise<Verdict<Script>> {
    const [ours, answers] = await Promise.all([this.#runOurs(script), this.#python.ask([script])]);
    return this.#judge(script, ours, answers[0] as Step[]);
  }

  /** fast-check makes the same script again from seed and index, and knows how to make it smaller. */
  async #shrink(script: Script, seed: number, index: number): Promise<Failure<Script>> {
    let smallest: Verdict<Script> | undefined;
    const property = fc.asyncProperty(this.#kind.scripts, async (candidate) => {
      const verdict = await this.#verdict(candidate);
      if (!verdict.agrees) smallest = verdict;
      return verdict.agrees;
    });
    const { numShrinks } = await fc.check(property, {
      seed,
      path: String(index),
      numRuns: 1,
      interruptAfterTimeLimit: SHRINK_TIME,
    });
    const verdict = smallest ?? (await this.#verdict(script));
    return { verdict, seed, cases: index + 1, shrinks: numShrinks };
  }
}

interface Batch<Script> {
  readonly seed: number;
  readonly scripts: readonly Script[];
  readonly answers: Promise<unknown[]>;
}

/** The first batch has the campaign's seed, so that a campaign of one batch repeats any other one's. */
function seedOfBatch(seed: number, batch: number): number {
  return (seed ^ Math.imul(batch, 0x9e3779b1)) & 0x7fffffff;
}
