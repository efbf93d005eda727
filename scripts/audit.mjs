// Fails on known vulnerabilities of all that is installed for development; the package itself depends on nothing. A registry
// that does not answer is no pass: it is said, and with --strict it fails.
import { spawnSync } from "node:child_process";

const { stdout, stderr } = spawnSync("npm", ["audit", "--json"], { encoding: "utf8", timeout: 60_000 });
const report = parse(stdout);
const counts = report?.metadata?.vulnerabilities;

if (counts === undefined) {
  const reason = report?.message ?? report?.error?.summary ?? (stderr.trim() || "no answer within a minute");
  const line = "!".repeat(80);
  console.error(
    `${line}\nNOT AUDITED: the registry has not said whether anything is vulnerable.\n${reason}\n${line}`,
  );
  process.exitCode = process.argv.includes("--strict") ? 2 : 0;
} else if (counts.total > 0) {
  for (const { name, severity, range } of Object.values(report.vulnerabilities)) {
    console.error(`${severity}: ${name} ${range}`);
  }
  console.error(`${counts.total} known vulnerabilities: run npm audit`);
  process.exitCode = 1;
} else {
  console.log(`${report.metadata.dependencies.total} packages audited, no known vulnerability`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
