import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { runProgram } from "../support/processes.js";

const skip = process.platform === "win32" && "there are no Unix sockets on Windows";

const TITLES: Readonly<Record<string, string>> = {
  echo: "An echo server, and five clients at once over TCP",
  unix: "The same over a Unix socket",
  pressure: "Back-pressure: a fast writer, held back by a slow reader",
  pair: "Waiting for data on a socket pair",
  tls: "STARTTLS: a conversation that begins in the clear and goes on encrypted",
};
const END = "The end: nothing is left open, and the process ends by itself.";

describe("The demo", { skip }, () => {
  const cleanup = cleanups();
  const run = (...args: string[]) => runProgram(cleanup, "examples/demo.js", args).finish();

  it("tells all chapters in order, and ends by itself", async () => {
    const { lines, errors, status } = await run();
    assert.deepEqual([errors, status], ["", 0]);
    const titles = Object.values(TITLES);
    assert.deepEqual(
      lines.filter((line) => titles.includes(line)),
      titles,
    );
    const greetings = lines.filter((line) => / hears: Hello, I am \w+\. Is anybody there\?$/.test(line));
    assert.equal(greetings.length, 10);
    assert.equal(lines.at(-1), END);
  });

  it("shows that what a writer holds stays small", async () => {
    const { lines } = await run("pressure");
    const held = lines.flatMap((line) => /never held more than (\d+) KiB/.exec(line)?.[1] ?? []).map(Number);
    assert.equal(held.length, 8);
    assert.ok(
      held.every((kib) => kib > 0 && kib <= 128),
      held.join(),
    );
  });

  it("tells the chapters that it is asked for alone", async () => {
    const { lines, status } = await run("pair");
    assert.deepEqual(lines, [
      "",
      TITLES["pair"],
      "─".repeat(33),
      "  One end of the pair is a stream now, and we wait on it …",
      "  Received: abc",
      "",
      END,
    ]);
    assert.equal(status, 0);
  });

  it("shows what is said before and after STARTTLS, with protocol and cipher", async () => {
    const { lines, errors, status } = await run("tls");
    assert.deepEqual([errors, status], ["", 0]);
    const said = lines.filter((line) => /^ +(Server|Client): /.test(line)).map((line) => line.trim());
    assert.deepEqual(said, [
      "Server: Hello. Whoever listens in can read this.",
      "Client: STARTTLS",
      "Server: Go ahead.",
      "Client: And who can read this?",
      "Server: Nobody but you and me.",
    ]);
    const between = lines.slice(lines.indexOf("    Server: Go ahead.") + 1, -4).join(" ");
    assert.match(
      between,
      /From here on it is TLSv1\.[23] +with [A-Z0-9_-]+, over the same reader and writer:$/,
    );
  });

  it("--help names each chapter, and runs none", async () => {
    const { lines, errors, status } = await run("--help");
    assert.deepEqual([errors, status], ["", 0]);
    for (const name of Object.keys(TITLES))
      assert.ok(
        lines.some((line) => line.startsWith(`  ${name} `)),
        name,
      );
    assert.ok(!lines.includes(END));
  });

  it("refuses a chapter that it does not have, with the help", async () => {
    for (const name of ["nonsense", "toString"]) {
      const { lines, errors, status } = await run("pair", name);
      assert.deepEqual([lines, status], [[], 2]);
      assert.ok(errors.startsWith(`There is no chapter "${name}".\n\nnpm run demo `), errors);
    }
  });
});
