// One file of tests in a process of its own: if the process dies, that file alone has failed.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** Milliseconds for one file: far more than any takes, as it is there for one that hangs. */
const TIME_LIMIT = 300_000;

/**
 * Runs a file of tests on a runtime.
 *
 * @returns `results`: `{ test, outcome, reason }` each; the test "*" has failed if the process did and no test did.
 *   `output`: all that the process printed.
 */
export async function runFile(runtime, file, report) {
  const child = spawn(runtime.program, runtime.argumentsFor(file, report), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(chunk));
  let tooLong = false;
  const timer = setTimeout(() => {
    tooLong = true;
    child.kill("SIGKILL");
  }, TIME_LIMIT);
  const ended = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status, signal) => setTimeout(resolve, 1000, signal ?? status).unref());
    child.once("close", (status, signal) => resolve(signal ?? status));
  });
  clearTimeout(timer);
  child.stdout.destroy();
  child.stderr.destroy();

  const results = existsSync(report) ? runtime.read(readFileSync(report, "utf8")) : [];
  const end = tooLong ? `took longer than ${TIME_LIMIT} ms` : `ended with ${ended}`;
  if (results.length === 0) results.push({ test: "*", outcome: "failed", reason: `no results: ${end}` });
  else if (ended !== 0 && results.every(({ outcome }) => outcome !== "failed")) {
    results.push({ test: "*", outcome: "failed", reason: end });
  }
  return { results, output: Buffer.concat(output).toString() };
}
