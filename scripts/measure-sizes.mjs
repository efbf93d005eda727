// How large each entry point is for who bundles it: minified, without what belongs to the runtime, and gzipped. Prints the
// table of the README; with --check it fails if the one that stands there differs by more than 5 %, with --write it puts it there.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { readMarked, replaceMarked } from "./marked-part.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const README = `${root}README.md`;
const TOLERANCE = 0.05;

/** Bytes of one entry point, with all that it needs. */
async function measure(file) {
  const { outputFiles } = await build({
    entryPoints: [root + file],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: ["node:*"],
    logLevel: "error",
  });
  const [{ contents }] = outputFiles;
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
}

function show(sizes) {
  const lines = sizes.map(
    ({ name, minified, gzipped }) => `| \`${name}\` | ${kib(minified)} | ${kib(gzipped)} |`,
  );
  return ["| entry point | minified, KiB | gzipped, KiB |", "| --- | ---: | ---: |", ...lines].join("\n");
}

const kib = (bytes) => (bytes / 1024).toFixed(1);

/** What is wrong with the table in the README. */
function objections(sizes) {
  const table = readMarked(readFileSync(README, "utf8"), "sizes");
  if (table === undefined) return ["README.md has no table between <!-- sizes --> and <!-- /sizes -->"];
  const rows = new Map(
    [...table.matchAll(/^\| `([^`]+)` +\| +([\d.]+) +\| +([\d.]+) +\|$/gm)].map(
      ([, name, minified, gzipped]) => [name, { minified: Number(minified), gzipped: Number(gzipped) }],
    ),
  );
  const wrong = sizes.flatMap(({ name, ...now }) => {
    const said = rows.get(name);
    rows.delete(name);
    if (said === undefined) return [`README.md does not give the size of ${name}`];
    return ["minified", "gzipped"]
      .filter((kind) => Math.abs(said[kind] * 1024 - now[kind]) > TOLERANCE * now[kind])
      .map((kind) => `README.md says ${said[kind]} KiB ${kind} for ${name}, which has ${kib(now[kind])}`);
  });
  return [
    ...wrong,
    ...[...rows.keys()].map((name) => `README.md gives a size of ${name}, which is no entry point`),
  ];
}

const { name: packageName, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const sizes = [];
for (const [path, target] of Object.entries(exports)) {
  if (typeof target === "string") continue;
  sizes.push({ name: packageName + path.slice(1), ...(await measure(target.default)) });
}
console.log(show(sizes));

if (process.argv.includes("--write")) {
  writeFileSync(README, replaceMarked(readFileSync(README, "utf8"), "sizes", show(sizes)));
}
if (process.argv.includes("--check")) {
  const wrong = objections(sizes);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) console.error("npm run sizes -- --write && npm run format puts that right");
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
