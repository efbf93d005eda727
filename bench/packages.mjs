// The packages that are measured, installed once.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("peers/", import.meta.url));
const stampFile = `${folder}node_modules/.lock-installed`;

export function installPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(`${folder}package-lock.json`))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === lock) return;
  console.log("Set-up (once): installing what is compared with npm ci …");
  const { status } = spawnSync(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: folder,
      stdio: "inherit",
    },
  );
  if (status !== 0) throw new Error(`npm ci in ${folder} ended with status ${status}`);
  writeFileSync(stampFile, lock);
}
