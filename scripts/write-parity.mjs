// Writes docs/parity.md from the results of the tests on all runtimes; with --check it fails if the page says something else.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { needsPython } from "../build/test/support/python.js";
import { parityPage } from "./parity/page.mjs";
import { runtimeNames } from "./tests/runtimes.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = `${root}docs/parity.md`;
const readJson = (file) => JSON.parse(readFileSync(`${root}${file}`, "utf8"));

const missing = runtimeNames.filter((name) => !existsSync(`${root}build/results/${name}.json`));
if (missing.length > 0) {
  fail([`there are no results yet: ${missing.map((name) => `npm run test:${name}`).join(", ")}`]);
}
const runs = Object.fromEntries(
  runtimeNames.map((name) => {
    const known = `test/known-failures/${name}.json`;
    return [
      name,
      {
        ...readJson(`build/results/${name}.json`),
        known: existsSync(`${root}${known}`) ? readJson(known) : [],
      },
    ];
  }),
);
const { command, options } = needsPython();
if (options.skip) fail([options.skip]);
const items = execFileSync(command, [fileURLToPath(new URL("parity/items.py", import.meta.url))]);
const { text, objections } = parityPage(JSON.parse(items), readJson("test/parity.json"), runs);
const formatted = await format(text, { ...(await resolveConfig(PAGE)), filepath: PAGE });

if (process.argv.includes("--check")) {
  if (!existsSync(PAGE) || readFileSync(PAGE, "utf8") !== formatted) {
    objections.push("docs/parity.md is not what the results say: npm run parity puts that right");
  }
} else {
  writeFileSync(PAGE, formatted);
}
if (objections.length > 0) fail(objections);
console.log("docs/parity.md is what the results say");

function fail(lines) {
  for (const line of lines) console.error(line);
  process.exit(1);
}
