/** One script as a test case. */
import assert from "node:assert/strict";
import { needsPython } from "../support/python.js";
import { readDifferences } from "./differences.js";
import type { Kind } from "./kind.js";
import { PythonWorker } from "./python-worker.js";

/** Carries `script` out with CPython and with this library. @throws AssertionError if they differ other than on purpose */
export async function assertSame<Script>(kind: Kind<Script>, script: Script): Promise<void> {
  await kind.open?.();
  const python = new PythonWorker(needsPython().command, kind.program);
  try {
    const [answers, trace] = await Promise.all([python.ask([script]), kind.run(script)]);
    const used = new Set<string>();
    const ours = JSON.parse(JSON.stringify(trace)) as unknown[];
    const same = kind.reconcile(script, ours, answers[0] as unknown[], (name) => used.add(name));
    assert.deepEqual(same.ours, same.theirs);
    const known = readDifferences().filter(({ kinds }) => kinds.includes(kind.name));
    const names = known.map(({ name }) => name);
    assert.deepEqual(
      [...used].filter((name) => !names.includes(name)),
      [],
    );
  } finally {
    await Promise.all([python.close(), kind.close?.()]);
  }
}
