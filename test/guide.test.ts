/**
 * Runs the code of the guide. A block marked `ts run` is a module of its own: it has to end by itself, with status 0. It is
 * not compiled, and Node.js 20 does not strip types: it must be plain JavaScript that is valid TypeScript too. If a `text`
 * block comes right behind it, that is what it has to print.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { packageRoot } from "./support/package-root.js";

const guide = `${packageRoot}/docs/guide`;
/** Below it the package is found by its name. */
const folder = `${packageRoot}/build/documentation`;

/** How long a block may run, in ms. */
const LIMIT = 20_000;
/** How many run at once. */
const AT_ONCE = 3;

interface Block {
  readonly line: number;
  readonly code: string;
  readonly output: string | undefined;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(`${guide}/${page}`, "utf8");
  const matches = text.matchAll(/^```ts run\n(.*?)^```\n(?:\s*^```text\n(.*?)^```\n)?/gms);
  return Array.from(matches, ({ index, 1: code, 2: output }) => ({
    line: text.slice(0, index).split("\n").length,
    code: code!,
    output,
  }));
}

/** Several run at once, so each removes its own file. */
async function run(name: string, code: string): Promise<string> {
  const file = `${folder}/${name}-${process.pid}.mjs`;
  await mkdir(folder, { recursive: true });
  await writeFile(file, code);
  try {
    return await new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        [file],
        { timeout: LIMIT, killSignal: "SIGKILL" },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else if (error.killed) reject(new Error(`it did not end within ${LIMIT} ms:\n${stdout}${stderr}`));
          else reject(new Error(`it ended with status ${error.code}:\n${stdout}${stderr}`));
        },
      );
    });
  } finally {
    await rm(file);
  }
}

const pages = existsSync(guide) ? readdirSync(guide).filter((name) => name.endsWith(".md")) : [];

for (const page of pages) {
  describe(`docs/guide/${page}`, { concurrency: AT_ONCE }, () => {
    for (const { line, code, output } of blocksOf(page)) {
      it(`the block at line ${line} runs to its end${output === undefined ? "" : " and prints what is said"}`, async () => {
        const printed = await run(`${page}-${line}`, code);
        if (output !== undefined) assert.equal(printed, output);
      });
    }
  });
}

describe("the guide", () => {
  it("has an index that names every page", () => {
    const index = readFileSync(`${guide}/README.md`, "utf8");
    for (const page of pages) assert.ok(page === "README.md" || index.includes(`](${page})`), page);
  });

  it("has no code that is not run", () => {
    for (const page of pages) {
      const marks =
        readFileSync(`${guide}/${page}`, "utf8").match(/^```(?:ts|js|typescript|javascript)\b.*$/gm) ?? [];
      for (const mark of marks) assert.equal(mark, "```ts run", page);
    }
  });
});
