// Makes of the compiled modules what is published: a file for each entry point and a few that they share, as a file for each module
// takes several times as long to import. Tests and examples, in build/, get the modules themselves: that folder is a
// package of the same name.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { name, type, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const entryPoints = Object.entries(exports).filter(([, target]) => typeof target !== "string");
const moduleOf = ({ default: file }) => file.replace("./dist/", "./src/");

rmSync(`${root}dist/shared`, { recursive: true, force: true });
await build({
  absWorkingDir: `${root}build`,
  entryPoints: entryPoints.map(([, target]) => moduleOf(target)),
  outdir: `${root}dist`,
  outbase: "src",
  chunkNames: "shared/[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: ["node:*"],
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
});

const modules = {
  name,
  type,
  exports: Object.fromEntries(entryPoints.map(([path, target]) => [path, moduleOf(target)])),
  imports: { "#src/*": "./src/*" },
};
writeFileSync(`${root}build/package.json`, `${JSON.stringify(modules, undefined, 2)}\n`);
