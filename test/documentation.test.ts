import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cleanups } from "./support/cleanup.js";

const root = new URL("../../", import.meta.url);

/** The code block of the README that is marked with `name`. */
async function readmeCode(name: string): Promise<string> {
  const readme = await readFile(new URL("README.md", root), "utf8");
  const code = readme.split(`\`\`\`ts ${name}\n`)[1]?.split("```")[0];
  assert.ok(code, `README.md has no code block ${name}`);
  return code;
}

describe("the code of the README", () => {
  const cleanup = cleanups();

  /** Runs code of the documentation in a folder where the package is found by its name. */
  async function run(name: string, code: string): Promise<ChildProcess> {
    const folder = new URL("build/documentation/", root);
    await mkdir(folder, { recursive: true });
    const file = fileURLToPath(new URL(`${name}-${process.pid}.mjs`, folder));
    await writeFile(file, code);
    cleanup(() => rm(file));
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    cleanup(async () => {
      if (child.exitCode === null && child.kill()) await once(child, "exit");
    });
    return child;
  }

  it("is an echo server and its client, of at most 20 lines each", async () => {
    const [serverCode, clientCode] = [await readmeCode("echo-server"), await readmeCode("echo-client")];
    for (const code of [serverCode, clientCode]) assert.ok(code.trimEnd().split("\n").length <= 20);

    const server = await run("echo-server", serverCode.replace("8888", "0"));
    const [serving] = (await once(server.stdout!, "data")) as [Buffer];
    const [, port] = /^Serving on \[ '127\.0\.0\.1', (\d+) \]\n$/.exec(serving.toString()) ?? [];
    assert.ok(port, `the server says ${serving.toString()}`);

    const client = await run("echo-client", clientCode.replace("8888", port));
    const [[received], [status]] = await Promise.all([once(client.stdout!, "data"), once(client, "exit")]);
    assert.equal(String(received), "Received: Hello World!\n");
    assert.equal(status, 0);
  });
});
