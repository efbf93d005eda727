// npm run bench -- [NAME …] [--rounds N] [--seconds S] [--contenders TEXT] [--short] [--write]
// NAME is a workload, "growth" or "imports"; without one, all. --contenders leaves those whose name contains TEXT, and the base.
// --short proves that everything works, and measures nothing but imports, which have a limit. --write puts the results into docs/performance.md and the README.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, type } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeSelfSigned } from "../build/test/support/certificates.js";
import { installLocked } from "../scripts/install-locked.mjs";
import { BASE, buildLoad, CONTENDERS } from "./contenders.mjs";
import { writeDocuments } from "./documents.mjs";
import { measureImports } from "./imports.mjs";
import { measure, pinning } from "./measure.mjs";
import { median, operationsIn, summarize } from "./statistics.mjs";
import { showFigures } from "./tables.mjs";
import { GROWTH, WORKLOADS } from "./workloads.mjs";

const RESULTS = fileURLToPath(new URL("../build/bench/results.json", import.meta.url));
const OURS = CONTENDERS.find(({ isOurs }) => isOurs);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    contenders: { type: "string", default: "" },
    short: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds ?? (values.short ? 1 : 5));
const seconds = Number(values.seconds ?? (values.short ? 0.2 : 0.6));
if (!(Number.isInteger(rounds) && rounds > 0 && seconds > 0)) {
  throw new RangeError("--rounds takes a whole number above 0, --seconds a number above 0");
}
/** In s: until then a runtime still compiles. With less, what has more code looks slower than it is for longer. */
const WARM_UP = 1.5;
const timing = (warmUp = WARM_UP) => [`--seconds=${seconds}`, `--warm-up=${values.short ? seconds : warmUp}`];

const names = [...WORKLOADS.map(({ name }) => name), "growth", "imports"];
for (const name of positionals) {
  if (!names.includes(name)) throw new RangeError(`there is no ${name}, only ${names.join(", ")}`);
}
const isWanted = (name) => positionals.length === 0 || positionals.includes(name);

/** In the environment of the programs: what a TLS server shows. */
const secrets = mkdtempSync(join(tmpdir(), "bench-"));
process.on("exit", () => rmSync(secrets, { recursive: true }));
const { cert, key } = makeSelfSigned();
for (const [name, text] of Object.entries({ BENCH_CERT: cert, BENCH_KEY: key })) {
  process.env[name] = join(secrets, name);
  writeFileSync(process.env[name], text, { mode: 0o600 });
}

installLocked(fileURLToPath(new URL("peers", import.meta.url)), "what is compared with", [
  "--ignore-scripts",
]);
const load = buildLoad();
const missing = [];
const contenders = CONTENDERS.filter(({ name }) => name === BASE || name.includes(values.contenders)).flatMap(
  (contender) => {
    try {
      return [{ ...contender, command: contender.command() }];
    } catch (error) {
      missing.push(`${contender.name}: ${error.message}`);
      return [];
    }
  },
);
for (const line of missing) console.log(`LEFT OUT ${line}`);
const machine = `${rounds} rounds of ${seconds} s; ${pinning}; ${cpus().length} cores of ${cpus()[0]?.model.trim()}, ${type()} ${release()}.`;
console.log(`${machine}\n`);

const results = existsSync(RESULTS) && !values.short ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
for (const workload of WORKLOADS.filter(({ name }) => isWanted(name))) await runWorkload(workload);
if (isWanted("growth")) for (const growth of GROWTH) await runGrowth(growth);
if (isWanted("imports")) keep("imports", measureImports(values.short ? 9 : 15));
if (values.write) writeDocuments(results, machine);

async function runWorkload(workload) {
  const { name, title, role, warmUp } = workload;
  const loadArguments = [...((values.short && workload.shortLoad) || workload.load), ...timing(warmUp)];
  let able = contenders.filter(({ roles }) => roles.includes(role));
  const figures = new Map(able.map((contender) => [contender.name, []]));
  for (let round = 0; round < rounds; round++) {
    // There and back, so that nobody always comes behind the same.
    for (const contender of round % 2 === 0 ? able : able.toReversed()) {
      try {
        figures.get(contender.name).push(await measure(contender, role, load, loadArguments));
      } catch (error) {
        if (contender.name === BASE) throw error;
        console.error(`FAILED ${contender.name}, ${name}:`, error);
        process.exitCode = 1;
        able = able.filter((one) => one !== contender);
      }
    }
  }
  const base = figures.get(BASE);
  const rows = able.map((contender) => ({
    name: contender.name,
    isOurs: contender.isOurs === true,
    ...summarize(figures.get(contender.name), base, workload),
  }));
  keep(name, rows);
  console.log(`${name}: ${title}\n${showFigures(rows)}\n`);
}

/** By this library alone: how a cost grows. */
async function runGrowth({ name, title, role, points, load: loadFor, messages = () => 1 }) {
  const contender = contenders.find((one) => one.name === OURS.name);
  if (contender === undefined) return;
  const costs = new Map(points.map((point) => [point, []]));
  for (let round = 0; round < rounds; round++) {
    for (const point of points) {
      const figures = await measure(contender, role, load, [...loadFor(point), ...timing()]);
      const operations = operationsIn(figures, { messages: messages(point) });
      costs.get(point).push(((figures.user + figures.system) / operations) * 1e9);
    }
  }
  const rows = points.map((point) => ({ point, cost: median(costs.get(point)) }));
  keep(name, rows);
  console.log(`${name}: ${title}`);
  for (const { point, cost } of rows) console.log(`  ${point}: ${cost.toPrecision(3)} ns`);
  console.log();
}

function keep(name, result) {
  results[name] = result;
  if (values.short) return;
  mkdirSync(dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, JSON.stringify(results, undefined, 2));
}
