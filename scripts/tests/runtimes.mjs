// The runtimes that the tests run on. Those of runtimes/package.json are installed there, once, each as a plain program.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { installLocked } from "../install-locked.mjs";
import { readDeno, readBun, readNode } from "./reports.mjs";

const folder = fileURLToPath(new URL("../../runtimes", import.meta.url));
const packages = `${folder}/node_modules`;
const nodeReporter = new URL("node-reporter.mjs", import.meta.url).href;

/** How Node.js runs one file of tests: what it prints is for people, the report for `read`. */
const node = {
  argumentsFor: (file, report) => [
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    `--test-reporter=${nodeReporter}?report=${encodeURIComponent(report)}`,
    "--test-reporter-destination=stdout",
    file,
  ],
  read: readNode,
};
const bun = {
  // Its own limit is 5 s for a test, whether the machine is busy or not.
  argumentsFor: (file, report) => [
    "test",
    file,
    "--timeout=120000",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ],
  read: readBun,
};
const deno = {
  argumentsFor: (file, report) => ["test", "-A", "--no-check", file, `--junit-path=${report}`],
  read: readDeno,
};

/** The architecture as it stands in the names of Bun's packages. */
const bunArchitecture = { x64: "x64", arm64: "aarch64" }[process.arch];
const platform = `${process.platform}-${process.arch}`;
const RUNTIMES = {
  node20: { ...node, program: `node20-${platform}/bin/node` },
  node22: { ...node, program: `node22-${platform}/bin/node` },
  node24: { ...node, program: `node24-${platform}/bin/node` },
  node26: { ...node, program: `node26-${platform}/bin/node` },
  bun: { ...bun, program: `@oven/bun-${process.platform}-${bunArchitecture}/bin/bun` },
  deno: { ...deno, program: `@deno/${platform}-glibc/deno` },
};
export const runtimeNames = Object.keys(RUNTIMES);

/** The Node.js that runs this. */
export const currentRuntime = () => ({
  ...node,
  name: `node${process.versions.node.split(".")[0]}`,
  program: process.execPath,
  version: process.versions.node,
});

/** One of `runtimeNames`, installed if it is not yet: its program, its exact version, and how it runs a file of tests. */
export function installedRuntime(name) {
  const runtime = RUNTIMES[name];
  if (runtime === undefined) {
    throw new Error(`there is no runtime ${name}, only ${runtimeNames.join(", ")}`);
  }
  installLocked(folder, "the runtimes", ["--ignore-scripts"]);
  const program = `${packages}/${runtime.program}`;
  if (!existsSync(program)) {
    throw new Error(
      `${runtime.program} is not in ${packages}: either it could not be downloaded (remove the folder and run this again), ` +
        `or runtimes/package.json has no ${name} for ${platform}`,
    );
  }
  const said = execFileSync(program, ["--version"], { encoding: "utf8" });
  return { ...runtime, name, program, version: /\d+\.\d+\.\d+\S*/.exec(said)[0] };
}
