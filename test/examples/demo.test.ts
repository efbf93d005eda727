import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { runProgram } from "../support/processes.js";
import { missingProgram } from "../support/redis.js";

const skip = process.platform === "win32" && "there are no Unix sockets on Windows";

const TITLES: Readonly<Record<string, string>> = {
  echo: "An echo server, and five clients at once over TCP",
  unix: "The same over a Unix socket",
  pressure: "Back-pressure: a fast writer, held back by a slow reader",
  pair: "Waiting for data on a socket pair",
  tls: "STARTTLS: a conversation that begins in the clear and goes on encrypted",
  redis: "Redis: a client that pipelines, and a server",
  smtp: "SMTP: a server with STARTTLS takes a mail from nodemailer",
};
const END = "The end: nothing is left open, and the process ends by itself.";

describe("The demo", { skip }, () => {
  const cleanup = cleanups();
  const run = (...args: string[]) => runProgram(cleanup, "examples/demo/demo.js", args).finish();

  /** One run of all chapters, for the tests that look at a part of it. */
  let whole: ReturnType<typeof run> | undefined;
  async function linesOf(chapter: string): Promise<string[]> {
    whole ??= run();
    const { lines } = await whole;
    const begin = lines.indexOf(TITLES[chapter]!);
    return lines.slice(begin + 2, lines.indexOf("", begin));
  }

  it("tells all chapters in order, and ends by itself", async () => {
    whole ??= run();
    const { lines, errors, status } = await whole;
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

  it("runs the same commands against the example RESP server, and redis-server if it is there", async () => {
    const replies = [
      "    SET greeting Hello  OK",
      "    GET greeting        Hello",
      "    INCR greeting       refused: ERR value is not an integer or out of range",
      "    GET nothing         null",
      "    EXISTS greeting     1",
      "    10000 times INCR count, all in flight at once; the last reply is 10000",
    ];
    const isThere = missingProgram("redis-server") === undefined;
    const second = isThere
      ? ["  The same client and a real redis-server:", ...replies]
      : ["  redis-server is not installed here; if it were, the same client would now talk to it."];
    assert.deepEqual((await linesOf("redis")).slice(1), [...replies, ...second]);
  });

  it("tells of Redis also where no redis-server is installed", async () => {
    const variables = { PATH: await temporaryFolder(cleanup) };
    const program = runProgram(cleanup, "examples/demo/demo.js", ["redis"], { variables });
    const { lines, errors, status } = await program.finish();
    assert.deepEqual([errors, status], ["", 0]);
    assert.match(lines.at(-3)!, /redis-server is not installed here/);
  });

  it("shows a mail that goes over STARTTLS", async () => {
    const said = (await linesOf("smtp")).map((line) => line.trim());
    for (const line of ["Client: STARTTLS", "Server: 220 Go ahead", "Server: 250 Taken"])
      assert.ok(said.includes(line), line);
    const printed = said.slice(said.indexOf("The server has printed:") + 1);
    assert.match(printed[0]!, /^TLS: TLSv1\.[23], /);
    assert.equal(printed[1], "Mail from <ada@example.test> to <grace@example.test>:");
    assert.equal(printed.at(-1), "| Nobody has read this on its way.");
  });

  for (const option of ["--help", "--list"]) {
    it(`${option} names each chapter and protocol, and runs none`, async () => {
      const { lines, errors, status } = await run(option);
      assert.deepEqual([errors, status], ["", 0]);
      const names = lines.flatMap((line) => /^  (\w+) {2}/.exec(line)?.[1] ?? []);
      assert.deepEqual(names, Object.keys(TITLES));
      assert.ok(!lines.includes(END));
    });
  }

  it("refuses a chapter that it does not have, with the help", async () => {
    for (const name of ["nonsense", "toString"]) {
      const { lines, errors, status } = await run("pair", name);
      assert.deepEqual([lines, status], [[], 2]);
      assert.ok(errors.startsWith(`There is no chapter "${name}".\n\nnpm run demo `), errors);
    }
  });
});
