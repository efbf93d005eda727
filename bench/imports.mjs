// How long a program waits for each entry point: in ms, beyond what node:net and node:tls take. Each import in a process of its own.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { installedRuntime } from "../scripts/tests/runtimes.mjs";
import { median } from "./statistics.mjs";

/**
 * In ms, for the main entry point, where Node.js itself starts in START: on a slower machine in proportion. The least of all
 * rounds counts, as what else the machine does only adds to it.
 */
const LIMIT = 15;
const START = 40;
const root = fileURLToPath(new URL("..", import.meta.url));
const { name: packageName, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

/** Prints what importing `module` takes, when node:net and node:tls are there already. */
const program = (module) => `
  await import("node:net");
  await import("node:tls");
  const begun = performance.now();
  await import(${JSON.stringify(module)});
  console.log(performance.now() - begun);
`;

/** `{ name, time }` of each entry point: the median of so many rounds, in ms. Above the limit the process will fail. */
export function measureImports(rounds) {
  const node = installedRuntime("node24").program;
  const names = Object.entries(exports)
    .filter(([, target]) => typeof target !== "string")
    .map(([path]) => packageName + path.slice(1));
  const times = new Map(names.map((name) => [name, []]));
  const starts = [];
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    execFileSync(node, ["--eval", ""]);
    starts.push(performance.now() - begun);
    for (const [name, measured] of times) {
      const said = execFileSync(node, ["--input-type=module", "--eval", program(name)], {
        cwd: root,
        encoding: "utf8",
      });
      measured.push(Number(said));
    }
  }
  const rows = [...times].map(([name, measured]) => ({ name, time: median(measured) }));
  const start = Math.min(...starts);
  const limit = LIMIT * Math.max(1, start / START);
  console.log(`imports: ms beyond node:net and node:tls, where Node.js starts in ${start.toFixed(0)} ms`);
  for (const { name, time } of rows) console.log(`  ${name}: ${time.toFixed(1)}`);
  console.log();
  const least = Math.min(...times.get(packageName));
  if (least > limit) {
    console.error(
      `FAILED: importing ${packageName} takes ${least.toFixed(1)} ms at least, the limit is ${limit.toFixed(1)} ms`,
    );
    process.exitCode = 1;
  }
  return rows;
}
