import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { makeSelfSigned } from "./support/certificates.js";
import { cleanups } from "./support/cleanup.js";
import { temporaryFolder } from "./support/folders.js";

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
  async function run(name: string, code: string, cwd?: string): Promise<ChildProcess> {
    const folder = new URL("build/documentation/", root);
    await mkdir(folder, { recursive: true });
    const file = fileURLToPath(new URL(`${name}-${process.pid}.mjs`, folder));
    await writeFile(file, code);
    cleanup(() => rm(file));
    const child = spawn(process.execPath, [file], { cwd, stdio: ["ignore", "pipe", "inherit"] });
    cleanup(async () => {
      if (child.exitCode === null && child.kill()) await once(child, "exit");
    });
    return child;
  }

  /** Runs a server of the README and its client, and checks what they print. */
  async function runPair(server: string, client: string, received: string, cwd?: string): Promise<void> {
    const [serverCode, clientCode] = [await readmeCode(server), await readmeCode(client)];
    for (const code of [serverCode, clientCode]) assert.ok(code.trimEnd().split("\n").length <= 20);

    const serving = await run(server, serverCode.replace("8888", "0"), cwd);
    const [said] = (await once(serving.stdout!, "data")) as [Buffer];
    const [, port] = /^Serving on \[ ['"]127\.0\.0\.1['"], (\d+) \]\n$/.exec(said.toString()) ?? [];
    assert.ok(port, `the server says ${said.toString()}`);

    const asking = await run(client, clientCode.replace("8888", port), cwd);
    const [[answer], [status]] = await Promise.all([once(asking.stdout!, "data"), once(asking, "exit")]);
    assert.equal(String(answer), received);
    assert.equal(status, 0);
  }

  it("is an echo server and its client, of at most 20 lines each", async () => {
    await runPair("echo-server", "echo-client", "Received: Hello World!\n");
  });

  it("is the same over TLS", async () => {
    const folder = await temporaryFolder(cleanup);
    const { cert, key } = makeSelfSigned();
    await Promise.all([writeFile(`${folder}/cert.pem`, cert), writeFile(`${folder}/key.pem`, key)]);
    await runPair("tls-server", "tls-client", "Received: Hello TLS! over TLSv1.3\n", folder);
  });
});
