/** Lets Node.js run the sources and tests of a folder as they are, without a build, with the tests' runner of our own. */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const NODE_TEST = new URL("node-test.mjs", import.meta.url).href;

/** What `specifier` means in the project at `folder`: a source instead of what is built of it. */
export function useSources(folder) {
  const base = pathToFileURL(`${folder}/`).href;
  const { name, exports } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const entries = new Map(
    Object.entries(exports).map(([path, target]) => [name + path.slice(1), target.default ?? target]),
  );
  const builtOf = (specifier) => {
    if (specifier.startsWith("#src/")) return specifier.replace("#src", "./src");
    return entries.get(specifier)?.replace("./dist", "./src");
  };
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier === "node:test") return { url: NODE_TEST, shortCircuit: true };
      const built = builtOf(specifier);
      if (built !== undefined) return { url: new URL(toSource(built), base).href, shortCircuit: true };
      const isOurs = context.parentURL?.startsWith(base) && context.parentURL.endsWith(".ts");
      return nextResolve(isOurs && specifier.startsWith(".") ? toSource(specifier) : specifier, context);
    },
  });
}

function toSource(specifier) {
  return specifier.replace(/\.js$/, ".ts");
}
