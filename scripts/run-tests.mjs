// Runs the compiled tests and ends with one line that counts them. Arguments: parts of test file names, and
// `--runtime NAME` for a runtime other than the Node.js that runs this. TESTS_COVERAGE is a folder for what V8 says of coverage.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runFile } from "./tests/run-file.mjs";
import { currentRuntime, installedRuntime } from "./tests/runtimes.mjs";
import { weigh } from "./tests/verdict.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals: parts } = parseArgs({
  options: { runtime: { type: "string" } },
  allowPositionals: true,
});

// What the tests' processes have run goes there, not what the set-up has.
if (process.env.TESTS_COVERAGE) process.env.NODE_V8_COVERAGE = join(root, process.env.TESTS_COVERAGE);
const runtime = values.runtime === undefined ? currentRuntime() : installedRuntime(values.runtime);
const files = testFiles();
if (files.length === 0) fail(`no test file matches ${parts.join(", ")}`);
const started = performance.now();
console.log(`${runtime.name} ${runtime.version}`);
const results = await runAll();
const verdict = weigh(files, results, knownFailures());
if (parts.length === 0) save();
say();

/** As they stand in test/. */
function testFiles() {
  return readdirSync(`${root}build/test`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.js"))
    .filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)))
    .map((name) => name.replace(/\.js$/, ".ts"))
    .sort((a, b) => a.localeCompare(b));
}

/** What each test led to. What the processes print is shown of files that fail, and of all if only parts were wanted. */
async function runAll() {
  const reports = mkdtempSync(join(tmpdir(), "test-reports-"));
  const all = new Map();
  const queue = [...files];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const compiled = `${root}build/test/${file.replace(/\.ts$/, ".js")}`;
      const report = join(reports, file.replaceAll("/", "-"));
      const { results: found, output } = await runFile(runtime, compiled, report);
      all.set(
        file,
        found.map((result) => ({ file, ...result })),
      );
      const hasFailed = found.some(({ outcome }) => outcome === "failed");
      console.log(`${hasFailed ? "✖" : "✔"} ${file}`);
      if (hasFailed || parts.length > 0) process.stdout.write(output);
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
  rmSync(reports, { recursive: true });
  return files.flatMap((file) => all.get(file));
}

function knownFailures() {
  try {
    return JSON.parse(readFileSync(`${root}test/known-failures/${runtime.name}.json`, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

/** Keeps the results for docs/parity.md. */
function save() {
  mkdirSync(`${root}build/results`, { recursive: true });
  const { name, version } = runtime;
  const text = JSON.stringify({ runtime: name, version, results }, undefined, 1);
  writeFileSync(`${root}build/results/${name}.json`, `${text}\n`);
}

function say() {
  const { passed, skipped, unexpected, objections } = verdict;
  for (const { file, test, reason } of skipped) console.log(`SKIPPED ${file}: ${test}: ${reason}`);
  for (const line of objections) console.log(line);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${runtime.name} ${runtime.version}, ${files.length} files, ${seconds} s`);
  if (verdict.knownFailures > 0) console.log(`${verdict.knownFailures} known failures`);
  console.log(
    `${passed} passed, ${unexpected.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`,
  );
  process.exitCode = objections.length === 0 && passed > 0 ? 0 : 1;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
