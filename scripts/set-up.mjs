// Makes a fresh clone ready: checks Node.js, installs the development tools, builds. Says so only when it has work.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createHash } from "node:crypto";

const root = fileURLToPath(new URL("..", import.meta.url));
const lockFile = `${root}package-lock.json`;
const stampFile = `${root}node_modules/.lock-installed`;

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`asyncio-streams needs Node.js 20.19 or newer, this is ${process.versions.node}`);
}

const lockDigest = createHash("sha256").update(readFileSync(lockFile)).digest("hex");
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== lockDigest) {
  console.log("Set-up (once): installing the development tools with npm ci …");
  run(process.platform === "win32" ? "npm.cmd" : "npm", [
    "ci",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  mkdirSync(`${root}node_modules`, { recursive: true });
  writeFileSync(stampFile, lockDigest);
}
run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "--build", root]);

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
