/** `npm run soak -- --minutes M [--seed S] [--connections C]`: runs a soak, says how it went, and fails if it went wrong. */
import { argv, exit, stdout } from "node:process";
import { parseArgs } from "node:util";
import { judge, summarize } from "./judge.js";
import { runSoak } from "./soak.js";

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    connections: { type: "string", default: "2000" },
  },
});
const options = {
  duration: numberOf("minutes") * 60_000,
  seed: numberOf("seed"),
  connections: numberOf("connections"),
};
stdout.write(`soak: seed ${options.seed}, ${options.connections} connections at once\n`);
// What hangs must not keep it from ending.
setTimeout(() => fail("it does not end"), options.duration + 180_000).unref();
const report = await runSoak(options);
const problems = judge(report);
stdout.write(`${summarize(report)}\n`);
if (problems.length > 0) fail(problems.join("\n"));

function numberOf(name: keyof typeof values): number {
  const value = Number(values[name]);
  if (values[name] !== "0" && !(value > 0)) fail(`--${name} must be a number above 0, got ${values[name]}`);
  return value;
}

function fail(why: string): never {
  stdout.write(`FAILED with seed ${values.seed}: ${why}\n`);
  exit(1);
}
