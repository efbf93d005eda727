/** Single scripts, compared as a campaign compares many: what a failing campaign prints runs with it. */
import assert from "node:assert/strict";
import { needsPython } from "../support/python.js";
import { readDifferences } from "./differences.js";
import type { Kind, Step } from "./kind.js";
import { PythonWorker } from "./python-worker.js";

/** Both programs of a kind, ready to carry scripts out. */
export class Comparison<Script> {
  readonly #kind: Kind<Script>;
  readonly #python: PythonWorker;
  readonly #known: readonly string[];

  constructor(kind: Kind<Script>) {
    this.#kind = kind;
    this.#python = new PythonWorker(needsPython().command, kind.program);
    const known = readDifferences().filter(({ kinds }) => kinds.includes(kind.name));
    this.#known = known.map(({ name }) => name);
  }

  static async open<Script>(kind: Kind<Script>): Promise<Comparison<Script>> {
    await kind.open?.();
    return new Comparison(kind);
  }

  /**
   * `run`: how this library carries it out, if not as the kind does.
   *
   * @throws AssertionError if the two sides differ other than on purpose
   */
  async assertSame(
    script: Script,
    run: Kind<Script>["run"] = (given) => this.#kind.run(given),
  ): Promise<void> {
    const [answers, trace] = await Promise.all([this.#python.ask([script]), run(script)]);
    const used = new Set<string>();
    const ours = JSON.parse(JSON.stringify(trace)) as Step[];
    const same = this.#kind.reconcile(script, ours, answers[0] as Step[], (name) => used.add(name));
    assert.deepEqual(same.ours, same.theirs);
    assert.deepEqual(
      [...used].filter((name) => !this.#known.includes(name)),
      [],
    );
  }

  async close(): Promise<void> {
    await this.#python.close();
    await this.#kind.close?.();
  }
}

export async function assertSame<Script>(kind: Kind<Script>, script: Script): Promise<void> {
  const comparison = await Comparison.open(kind);
  try {
    await comparison.assertSame(script);
  } finally {
    await comparison.close();
  }
}
