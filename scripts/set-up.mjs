// Makes a fresh clone ready: checks Node.js, installs the development tools, builds. Says so only when it has work.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installLocked } from "./install-locked.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`asyncio-streams needs Node.js 20.19 or newer, this is ${process.versions.node}`);
}

try {
  installLocked(root, "the development tools");
} catch (error) {
  fail(error.message);
}
run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "--build", root]);
run(process.execPath, [`${root}scripts/bundle.mjs`]);

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error) fail(`${command} could not be run: ${error.message}`);
  if (status !== 0) fail(`${command} ${args[0]} ended with status ${status}`);
}

function fail(message) {
  console.error(`set-up: ${message}`);
  process.exit(1);
}
