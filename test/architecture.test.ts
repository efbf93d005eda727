import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { describe, it } from "node:test";
import { packageRoot } from "./support/package-root.js";

/** Open to all; they import each other alone. */
const OPEN = ["errors.ts", "checks.ts", "describe.ts"];

/** Folders with entry points of their own, around the core. */
const ENTRY_POINTS = ["interop", "testing"];

/** Which other folders a folder may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  waiting: [],
  transport: ["waiting"],
  streams: ["bytes", "transport", "waiting"],
  server: ["transport", "waiting"],
  connect: ["transport", "waiting"],
  backends: ["bytes", "transport", "waiting"],
  testing: ["bytes", "transport", "waiting", "streams", "backends"],
  interop: ["bytes", "transport", "waiting", "streams", "backends"],
};

/** Every way to name another module; `from` also stands in `export … from`. */
const IMPORTS = [
  /^(?<clause>(?:import|export)\s[^"';]*?)\sfrom\s*(?<target>"[^"]+"|'[^']+')/gm,
  /^(?<clause>import)\s*(?<target>"[^"]+"|'[^']+')/gm,
  /\b(?<clause>import|require)\s*\(\s*(?<target>[^)]*)\)/g,
];

interface Import {
  readonly target: string;
  readonly isTypeOnly: boolean;
}

function importsOf(source: string): Import[] {
  return IMPORTS.flatMap((pattern) => [...source.matchAll(pattern)]).map(({ groups }) => ({
    target: groups!["target"]!.replace(/^["']|["']$/g, ""),
    isTypeOnly: /^(?:import|export)\s+type\s/.test(groups!["clause"]!),
  }));
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** What is wrong with one import of the file `name` (a path below src/), or `undefined`. */
function objection(name: string, { target, isTypeOnly }: Import): string | undefined {
  const folder = folderOf(name);
  if (!target.startsWith(".")) {
    if (isTypeOnly && target.startsWith("node:")) return undefined;
    if (target === "node:test") return "the kit is for any test framework";
    if (/^(backends|interop|testing)$/.test(folder) && target.startsWith("node:")) return undefined;
    return "only backends/, interop/ and testing/ may import values of node:*, and nobody anything else";
  }
  const imported = posix.join(posix.dirname(name), target).replace(/\.js$/, ".ts");
  if (OPEN.includes(imported)) return undefined;
  if (OPEN.includes(name)) return `${name} may only import ${OPEN.join(", ")}`;
  const importedFolder = folderOf(imported);
  if (importedFolder === folder) return undefined;
  if (folder === ".") return ENTRY_POINTS.includes(importedFolder) ? "the core stands without it" : undefined;
  const allowed = MAY_IMPORT[folder];
  if (allowed?.includes(importedFolder)) return undefined;
  return `${folder}/ may only import ${[...(allowed ?? []).map((other) => `${other}/`), ...OPEN].join(", ")}`;
}

function folderOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.indexOf("/")) : ".";
}

const root = join(packageRoot, "src");
const sources = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({
    name: relative(root, path).replaceAll("\\", "/"),
    source: withoutComments(readFileSync(path, "utf8")),
  }));

describe("the sources", () => {
  it("import what is purer than they are, and only backends/ and interop/ import the runtime", () => {
    const objections = sources.flatMap(({ name, source }) =>
      importsOf(source).flatMap((found) => {
        const reason = objection(name, found);
        return reason === undefined ? [] : [`src/${name} imports "${found.target}": ${reason}`];
      }),
    );
    assert.deepEqual(objections, []);
    assert.ok(sources.length > 30, `only ${sources.length} sources found in ${root}`);
  });

  const FORBIDDEN = [
    [/^export\s+default\b/m, "export default"],
    [/^export\s+\*/m, "export *"],
    [/^(?:export\s+)?(?:declare\s+)?(?:let|var)\b/m, "let or var at the level of the module"],
    [/\bDate\b/, "look at the clock on the wall, which can be set"],
  ] as const;
  for (const [pattern, what] of FORBIDDEN) {
    it(`have no ${what}`, () => {
      const found = sources.filter(({ source }) => pattern.test(source)).map(({ name }) => `src/${name}`);
      assert.deepEqual(found, []);
    });
  }
});

describe("the import rule", () => {
  const CASES: readonly [file: string, line: string, isAllowed: boolean][] = [
    ["bytes/a.ts", `import { b } from "./b.js";`, true],
    ["bytes/a.ts", `import { kindOf } from "../describe.js";`, true],
    ["bytes/a.ts", `import type { T } from "../transport/t.js";`, false],
    ["transport/a.ts", `import type { B } from "../bytes/b.js";`, false],
    ["streams/a.ts", `import { b } from "../bytes/b.js";`, true],
    ["streams/a.ts", `import { s } from "../server/s.js";`, false],
    ["server/a.ts", `import { s } from "../streams/s.js";`, false],
    ["connect/a.ts", `export { b } from "../backends/b.js";`, false],
    ["backends/node/a.ts", `import { b } from "../../bytes/b.js";`, true],
    ["backends/node/a.ts", `import {\n  a,\n  b,\n} from "../../streams/b.js";`, false],
    ["backends/node/a.ts", `import net from "node:net";`, true],
    ["backends/node/a.ts", `import ws from "ws";`, false],
    ["streams/a.ts", `import type { Socket } from "node:net";`, true],
    ["streams/a.ts", `import { Socket } from "node:net";`, false],
    ["streams/a.ts", `import { type Socket, connect } from "node:net";`, false],
    ["streams/a.ts", `const net = await import("node:net");`, false],
    ["streams/a.ts", `import "node:net";`, false],
    ["index.ts", `export { a } from "./backends/node/a.js";`, true],
    ["index.ts", `import { connect } from "node:net";`, false],
    ["index.ts", `export { streamPair } from "./testing/index.js";`, false],
    ["streams/a.ts", `import { streamPair } from "../testing/index.js";`, false],
    ["testing/a.ts", `import { inspect } from "node:util";`, true],
    ["testing/a.ts", `import { it } from "node:test";`, false],
    ["testing/a.ts", `import { a } from "../backends/a.js";`, true],
    ["testing/a.ts", `import { a } from "../start-server.js";`, false],
    ["errors.ts", `import { c } from "./checks.js";`, true],
    ["errors.ts", `import { b } from "./bytes/b.js";`, false],
    ["unknown/a.ts", `import { b } from "../bytes/b.js";`, false],
  ];
  for (const [file, line, isAllowed] of CASES) {
    it(`${isAllowed ? "lets" : "does not let"} ${file} say ${line.replaceAll("\n", "")}`, () => {
      const [found] = importsOf(line);
      assert.ok(found, "no import seen");
      assert.equal(objection(file, found) === undefined, isAllowed);
    });
  }
});

describe("the package", () => {
  const manifest = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    readonly [field: string]: Readonly<Record<string, unknown>> | undefined;
  };

  it("depends on nothing at run time", () => {
    for (const field of [
      "dependencies",
      "optionalDependencies",
      "bundleDependencies",
      "bundledDependencies",
    ]) {
      assert.equal(manifest[field], undefined, field);
    }
    const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    // Types alone, and only for those who want them.
    assert.deepEqual(Object.keys(peerDependencies), ["@types/node"]);
    assert.deepEqual(peerDependenciesMeta, { "@types/node": { optional: true } });
  });

  it("runs nothing when it is installed", () => {
    // npm's life cycle of an installation, from the registry or from git; with a binding.gyp it would build by itself.
    const runs = /^(pre|post)?(install|prepare|prepublish)$|^dependencies$/;
    assert.deepEqual(
      Object.keys(manifest["scripts"] ?? {}).filter((name) => runs.test(name)),
      [],
    );
    assert.equal(existsSync(join(packageRoot, "binding.gyp")), false);
  });
});
