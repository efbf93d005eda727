// Runs the compiled tests and ends with one line that counts them. Arguments: parts of test file names.
import { availableParallelism } from "node:os";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const wanted = process.argv.slice(2);
const folder = fileURLToPath(new URL("../build/test", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter(
    (name) =>
      name.endsWith(".test.js") && (wanted.length === 0 || wanted.some((part) => name.includes(part))),
  )
  .sort((a, b) => a.localeCompare(b))
  .map((name) => `${folder}/${name}`);
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(", ")}`);
  process.exit(1);
}

const counts = { pass: 0, fail: 0, skipped: 0, cancelled: 0, todo: 0 };
const skipped = [];
const events = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: 170_000 });
events.on("test:diagnostic", ({ message, nesting }) => {
  const [, name, count] = /^(pass|fail|skipped|cancelled|todo) (\d+)$/.exec(message) ?? [];
  if (nesting === 0 && name !== undefined) counts[name] = Number(count);
});
events.on("test:pass", ({ name, skip }) => {
  if (skip !== undefined) skipped.push(`${name}${typeof skip === "string" ? `: ${skip}` : ""}`);
});
for await (const text of events.compose(new spec())) process.stdout.write(text);

const failed = counts.fail + counts.cancelled + counts.todo;
for (const line of skipped) console.log(`SKIPPED ${line}`);
console.log(
  `${counts.pass} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`,
);
process.exitCode = failed === 0 && counts.pass > 0 ? 0 : 1;
