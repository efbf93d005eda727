import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { runInThisContext } from "node:vm";
import { StreamReader } from "asyncio-streams";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { runProgram } from "../support/processes.js";
import { needsPython } from "../support/python.js";
import { RecordingTransport, UnpausableTransport } from "../support/recording-transport.js";
import { nextTurn } from "../support/turns.js";
import { parseFuzzArguments } from "./arguments.js";
import { runCampaign, type CampaignOptions, type CampaignResult } from "./campaign.js";
import { parseDifferences, readDifferences } from "./differences.js";
import type { Kind } from "./kind.js";
import { PythonWorker } from "./python-worker.js";
import { readerKind } from "./reader/kind.js";
import { runOurs } from "./reader/ours.js";
import type { ReaderScript } from "./reader/scripts.js";
import { complaintOf, summaryOf } from "./report.js";

const SEED = 1_970;
const python = needsPython();
const differences = readDifferences();

function campaign(
  kind: Kind<ReaderScript>,
  options?: Partial<CampaignOptions>,
): Promise<CampaignResult<ReaderScript>> {
  return runCampaign(kind, { cases: 400, seed: SEED, python: python.command, differences, ...options });
}

/** The reader kind, with a reader that is wrong. */
function planted(Reader: typeof StreamReader): Kind<ReaderScript> {
  return { ...readerKind, run: (script) => runOurs(script, (limit) => new Reader({ limit })) };
}

/** Loses a byte of all that comes in one piece of more than four. */
class LosingReader extends StreamReader {
  override feedData(data: Uint8Array): void {
    super.feedData(data.length > 4 ? data.subarray(1) : data);
  }
}

/** Mistakes in each thing that is compared. */
const MISTAKES: Readonly<Record<string, typeof StreamReader>> = {
  bytes: LosingReader,
  "at_eof()": class extends StreamReader {
    override atEof(): boolean {
      return super.atEof() || (this.bufferedBytes === 3 && super.toString().includes("eof"));
    }
  },
  "exception()": class extends StreamReader {
    override exception(): Error | undefined {
      return super.exception() && new Error("another");
    }
  },
  "calls of the transport": class extends StreamReader {
    override setTransport(transport: RecordingTransport): void {
      const pauseReading = () => transport.pauseReading();
      super.setTransport({ pauseReading, resumeReading: () => {} });
    }
  },
  "kinds of error": class extends StreamReader {
    override async readUntil(...args: Parameters<StreamReader["readUntil"]>): Promise<Buffer<ArrayBuffer>> {
      return super.readUntil(...args).catch((error: Error) => {
        throw error.name === "LimitOverrunError" ? new RangeError(error.message) : error;
      });
    }
  },
  messages: class extends StreamReader {
    override async readExactly(
      ...args: Parameters<StreamReader["readExactly"]>
    ): Promise<Buffer<ArrayBuffer>> {
      return super.readExactly(...args).catch((error: Error) => {
        error.message += "!";
        throw error;
      });
    }
  },
  "data of errors": class extends StreamReader {
    override async readUntil(...args: Parameters<StreamReader["readUntil"]>): Promise<Buffer<ArrayBuffer>> {
      return super.readUntil(...args).catch((error: Error & { consumed?: number }) => {
        throw error.consumed === undefined ? error : Object.assign(error, { consumed: error.consumed + 1 });
      });
    }
  },
};

describe("the reader kind", python.options, () => {
  it("does in every script what CPython's reader does, but for the table of differences", async () => {
    const result = await campaign(readerKind);
    assert.equal(complaintOf(readerKind, result), undefined);
    assert.match(
      summaryOf("reader", SEED, result),
      /^fuzz reader: 400 cases, seed 1970, 0 differences; used: .*\bsecond-read \(\d+\)/,
    );
  });

  for (const [what, Reader] of Object.entries(MISTAKES)) {
    it(`finds a mistake in ${what}`, async () => {
      const { failure } = await campaign(planted(Reader), { cases: 500 });
      assert.ok(failure !== undefined && !failure.verdict.agrees);
    });
  }
});

describe("a script on which the two sides differ", python.options, () => {
  it("is made small, and is the same again with the seed and the number of cases that it names", async () => {
    const kind = planted(LosingReader);
    const { failure } = await campaign(kind);
    assert.ok(failure !== undefined && failure.shrinks > 0);
    const { limit, operations } = failure.verdict.script;
    assert.ok(limit <= 2 && operations.length <= 3, JSON.stringify(failure.verdict.script));
    const again = await campaign(kind, { seed: failure.seed, cases: failure.cases });
    assert.deepEqual(again.failure, failure);
  });

  it("is printed with its reason, both traces and the command that repeats it", async () => {
    const kind = planted(LosingReader);
    const result = await campaign(kind);
    const complaint = complaintOf(kind, result)!;
    assert.match(complaint, /^CPython and this library do not agree\.\n/);
    assert.match(complaint, /^it\("reads as asyncio does", async \(\) => \{$/m);
    assert.match(complaint, /^ +\d ours +\{.*"buffered":4.*\n +theirs +\{.*"buffered":5/m);
    const { seed, cases } = result.failure!;
    const command = `npm run fuzz -- --kind reader --seed ${seed} --cases ${cases}`;
    assert.ok(complaint.endsWith(command), complaint);
    assert.match(
      summaryOf("reader", SEED, result),
      /^fuzz reader: \d+ cases, seed 1970, 1 difference; used: /,
    );
  });

  it("is one that uses a difference without an entry", async () => {
    const known = differences.filter(({ name }) => name !== "second-read");
    const result = await campaign(readerKind, { differences: known });
    assert.deepEqual(result.failure?.verdict.unknown, ["second-read"]);
    assert.match(complaintOf(readerKind, result)!, /no entry for the kind reader named second-read\./);
  });

  it("is one that uses the entry of another kind", async () => {
    const others = differences.map(({ name }) => ({ name, kinds: ["writer"] }));
    const { failure } = await campaign(readerKind, { differences: others });
    assert.notDeepEqual(failure?.verdict.unknown, []);
  });
});

describe("showScript", () => {
  it("gives a test case that runs as it stands", async () => {
    const script: ReaderScript = {
      limit: 2,
      operations: [
        ["transport", true],
        ["transport", false],
        ["feed", [["ab", 2], ["\r\n", 1]]],
        ["feed", []],
        ["read", 1],
        ["read", null],
        ["readExactly", 1.5],
        ["readUntil", ["a", "ab"]],
        ["readUntil", [null]],
        ["turn"],
        ["readLine"],
        ["next"],
        ["cancel"],
        ["eof"],
        ["feed", [["a", 1]]],
        ["exception", "e"],
        ["next"],
        ["turn"],
      ],
    }; // prettier-ignore
    const bodies: (() => Promise<void>)[] = [];
    const names = ["it", "StreamReader", "RecordingTransport", "UnpausableTransport", "nextTurn", "assert"];
    const collect = (_name: string, body: () => Promise<void>) => bodies.push(body);
    const source = `(${names.join(", ")}) => { ${readerKind.show(script)} }`;
    const define = runInThisContext(source) as (...values: unknown[]) => void;
    define(collect, StreamReader, RecordingTransport, UnpausableTransport, nextTurn, assert);
    assert.equal(bodies.length, 1);
    await bodies[0]!();
  });
});

describe("the table of differences", () => {
  const HEAD =
    "| name | kinds | what asyncio does | what happens here | why | since |\n| - | - | - | - | - | - |\n";

  it("has an entry that no script has met: the run fails", python.options, async () => {
    const never = { name: "never-met", kinds: ["reader"] };
    const elsewhere = { name: "met-by-writers", kinds: ["writer", "tls"] };
    const table = [...differences, never, elsewhere];
    const result = await campaign(readerKind, { differences: table, casesThatMeetAll: 400 });
    assert.ok(result.unused.includes("never-met") && !result.unused.includes("met-by-writers"));
    assert.match(complaintOf(readerKind, result)!, /^Nothing met these entries .* in 400 cases: .*never-met/);
    const few = await campaign(readerKind, { differences: table });
    assert.deepEqual(few.unused, []);
  });

  it("gives names and kinds", () => {
    const page = `# Page\n\n${HEAD}| \`one\` | reader, tls | a \\| b | c | d | 0.1.0 |\n`;
    assert.deepEqual(parseDifferences(page), [{ name: "one", kinds: ["reader", "tls"] }]);
  });

  const wrong: [page: string, message: RegExp][] = [
    ["", /must have the columns name, kinds, what asyncio does/],
    ["| name | kinds |\n| - | - |\n", /must have the columns/],
    [`${HEAD}| \`one\` | reader | a | b | | 0.1.0 |\n`, /a row of .* is not whole: `one`/],
    [`${HEAD}| \`one\` | reader | a | b |\n`, /a row of .* is not whole: `one`/],
    [
      `${HEAD}| \`one\` | readers | a | b | c | d |\n`,
      /names the kind readers, and there are reader, writer/,
    ],
    [`${HEAD}${"| `one` | reader | a | b | c | d |\n".repeat(2)}`, /two rows named one/],
  ];
  for (const [page, message] of wrong) {
    it(`is refused: ${String(message)}, ${JSON.stringify(page.slice(-40))}`, () => {
      assert.throws(() => parseDifferences(page), message);
    });
  }
});

describe("the Python process", python.options, () => {
  const cleanup = cleanups();

  async function programOf(source: string): Promise<string> {
    const program = `${await temporaryFolder(cleanup)}/program.py`;
    await writeFile(program, source);
    return program;
  }

  async function start(source: string, timeout?: number): Promise<PythonWorker> {
    const worker = new PythonWorker(python.command, await programOf(source), timeout);
    cleanup(() => worker.close());
    return worker;
  }

  const broken: [what: string, source: string, message: RegExp][] = [
    ["dies", "input()\nraise SystemExit('no more')", /ended with status 1\nIt was asked: 1\nno more$/],
    ["dies at once", "raise SystemExit(3)", /ended with status 3/],
    ["is killed", "import os\nos.kill(os.getpid(), 9)", /ended with SIGKILL/],
    ["hangs", "import time\ntime.sleep(600)", /gave no answer for 500 ms\nIt was asked: 1/],
    ["answers with what is no JSON", "input()\nprint('?')", /answered with what is no JSON: \?/],
  ];
  for (const [what, source, message] of broken) {
    it(`fails clearly when it ${what}, and all that waits for it`, async () => {
      const worker = await start(source, what === "hangs" ? 500 : undefined);
      const first = assert.rejects(worker.ask([1]), message);
      const second = assert.rejects(worker.ask([2, 3]), /The Python process/);
      await Promise.all([first, second]);
      await assert.rejects(worker.ask([4]), /The Python process/);
    });
  }

  it("fails clearly when it cannot be started", async () => {
    const worker = new PythonWorker(`${await temporaryFolder(cleanup)}/missing`, "");
    await assert.rejects(worker.ask([1]), /cannot be started: .*ENOENT/);
    await worker.close();
  });

  it("answers several calls that wait at once, each with its own", async () => {
    const worker = await start("import sys\nfor line in sys.stdin: print(line, end='')");
    const answers = await Promise.all([worker.ask([1, 2]), worker.ask([]), worker.ask([{ a: "…" }])]);
    assert.deepEqual(answers, [[1, 2], [], [{ a: "…" }]]);
  });

  it("ends a campaign that it fails in", async () => {
    const program = await programOf("input()\nprint('[]')\nraise SystemExit('broken')");
    await assert.rejects(campaign({ ...readerKind, program }), /ended with status 1[^]*broken/);
  });
});

describe("npm run fuzz", () => {
  const cleanup = cleanups();
  const KINDS = ["reader", "writer"];

  it("takes cases, seed and kind", () => {
    assert.deepEqual(parseFuzzArguments(["--cases", "7", "--seed", "0", "--kind", "writer"], KINDS), {
      cases: 7,
      seed: 0,
      kinds: ["writer"],
    });
  });

  it("runs all kinds with a fresh seed when none is given", () => {
    const [one, another] = [parseFuzzArguments([], KINDS), parseFuzzArguments([], KINDS)];
    assert.deepEqual(one.kinds, KINDS);
    assert.notEqual(one.seed, another.seed);
  });

  const wrong: [args: string[], message: RegExp][] = [
    [["--cases", "0"], /--cases must be a whole number from 1 to \d+, not "0"/],
    [["--cases", "1e3"], /--cases must be a whole number from 1 to \d+, not "1e3"/],
    [["--cases"], /--cases/],
    [["--seed", "2147483648"], /--seed must be a whole number from 0 to 2147483647, not "2147483648"/],
    [["--seed=-1"], /--seed must be a whole number from 0 to 2147483647, not "-1"/],
    [["--seed", "one"], /--seed must be a whole number from 0 to 2147483647, not "one"/],
    [["--kind", "server"], /--kind must be one of reader, writer, not "server"/],
    [["--case", "9"], /--case/],
    [["reader"], /reader/],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseFuzzArguments(args, KINDS), message);
    });
  }

  it("ends with 2 and the usage when an argument is wrong", async () => {
    const { errors, lines, status } = await runProgram(cleanup, "test/fuzz/main.js", [
      "--cases",
      "x",
    ]).finish();
    assert.equal(status, 2);
    assert.match(errors, /^fuzz: --cases must be .*not "x"\nusage: npm run fuzz -- \[--cases N\]/);
    assert.deepEqual(lines, []);
  });

  it("ends with 0 and one line that sums it up", python.options, async () => {
    const args = ["--cases", "20", "--seed", "5", "--kind", "reader"];
    const { errors, lines, status } = await runProgram(cleanup, "test/fuzz/main.js", args).finish();
    assert.equal(errors, "");
    assert.equal(status, 0);
    assert.match(lines.at(-1)!, /^fuzz reader: 20 cases, seed 5, 0 differences; used: /);
  });
});
