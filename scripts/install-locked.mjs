// Installs what a package-lock.json says, once for each state of that file.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

/** In `folder`, unless it is there already; `what` is for people. `options` are npm's. Throws if npm fails. */
export function installLocked(folder, what, options = []) {
  const lock = createHash("sha256")
    .update(readFileSync(`${folder}/package-lock.json`))
    .digest("hex");
  const stampFile = `${folder}/node_modules/.lock-installed`;
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === lock) return;
  console.log(`Set-up (once): installing ${what} with npm ci …`);
  const isWindows = process.platform === "win32";
  const { status, error } = spawnSync(
    isWindows ? "npm.cmd" : "npm",
    ["ci", "--no-audit", "--no-fund", "--loglevel=error", ...options],
    { cwd: folder, stdio: "inherit", shell: isWindows },
  );
  if (error !== undefined || status !== 0) {
    throw new Error(`npm ci in ${folder} failed: ${error?.message ?? `status ${status}`}`);
  }
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  writeFileSync(stampFile, lock);
}
