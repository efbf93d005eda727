// Mutation testing: changes the core in one place after the other, and tells which changes no test notices. Arguments are
// Stryker's, such as --mutate 'src/bytes/*.ts', or --force to look again at what has been looked at before.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installLocked } from "../install-locked.mjs";
import { installedRuntime } from "../tests/runtimes.mjs";

/** In KiB: mutants may ask for any amount of memory. */
const MEMORY = 8_000_000;

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

installLocked(here, "Stryker");

// Stryker does not run on the oldest Node.js that the tests run on.
const node = installedRuntime("node24").program;
const stryker = `${here}node_modules/@stryker-mutator/core/bin/stryker.js`;
const arguments_ = ["run", `${here}stryker.config.json`, ...process.argv.slice(2)];
run("sh", ["-c", `ulimit -v ${MEMORY}; exec "$@"`, "sh", node, stryker, ...arguments_], root);

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
