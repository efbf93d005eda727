/** The tools behind `npm run test:<runtime>` and `npm run parity`. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../support/package-root.js";

interface Result {
  readonly file?: string;
  readonly test: string;
  readonly outcome: string;
  readonly reason?: string | undefined;
}
type Entry = Readonly<Record<string, string>>;
interface Tools {
  weigh(files: string[], results: Result[], known: Entry[]): { passed: number; objections: string[] };
  readNode(text: string): Result[];
  readBun(text: string): Result[];
  readDeno(text: string): Result[];
  parityPage(sections: object, proofs: object, runs: object): { text: string; objections: string[] };
}

let tools: Tools;
before(async () => {
  const load = (name: string) => import(pathToFileURL(`${packageRoot}/scripts/${name}.mjs`).href);
  const modules = await Promise.all(["tests/verdict", "tests/reports", "parity/page"].map(load));
  tools = Object.assign({}, ...modules) as Tools;
});

describe("weigh()", () => {
  const file = "a.test.ts";
  const entry = { file, test: "a", reason: "why", link: "https://example.org/1" };
  const result = (outcome: string, test = "a", reason?: string) => ({ file, test, outcome, reason });

  for (const [name, results, known, objections] of [
    ["what passes", [result("passed")], [], []],
    ["a failure", [result("failed")], [], ["FAILED a.test.ts: a"]],
    ["a known failure", [result("failed")], [entry], []],
    ["a known failure that is skipped", [result("skipped")], [entry], []],
    ["another failure", [result("failed"), result("failed", "b")], [entry], ["FAILED a.test.ts: b"]],
    [
      "a known failure that passes",
      [result("passed")],
      [entry],
      ["KNOWN FAILURE THAT PASSES a.test.ts: a (why)"],
    ],
    [
      "a known failure that does not exist",
      [result("passed", "b")],
      [entry],
      ["KNOWN FAILURE THAT DOES NOT EXIST a.test.ts: a (why)"],
    ],
    ["a known failure of a file that has not run", [], [{ ...entry, file: "b.test.ts" }], []],
    ["a file that cannot run, and is known", [result("failed", "*")], [{ ...entry, test: "*" }], []],
    [
      "known failures of one kind, one of which passes",
      [result("failed", "a (1) > x"), result("passed", "a (2) > x"), result("passed", "a (2) > y")],
      [{ ...entry, test: "a (*) > x" }],
      ["KNOWN FAILURE THAT PASSES a.test.ts: a (2) > x (why)"],
    ],
    [
      "a known failure without a link",
      [result("failed")],
      [{ ...entry, link: "" }],
      ["KNOWN FAILURE WITHOUT ITS link a.test.ts: a (why)"],
    ],
    ["a skipped test with a reason", [result("skipped", "a", "no IPv6")], [], []],
    ["a skipped test without one", [result("skipped")], [], ["SKIPPED WITHOUT A REASON a.test.ts: a"]],
  ] as const) {
    it(`objects ${objections.length === 0 ? "nothing to" : "to"} ${name}`, () => {
      assert.deepEqual(tools.weigh([file], [...results], [...known]).objections, objections);
    });
  }
});

describe("the reports of the runtimes", () => {
  const NAME = "s &amp; &quot;t&quot;";
  const all = [
    { test: 's & "t" > a', outcome: "passed" },
    { test: 's & "t" > u > b', outcome: "failed" },
    { test: 's & "t" > c', outcome: "skipped" },
  ];
  const sorted = (results: Result[]) => results.sort((a, b) => a.test.localeCompare(b.test));

  it("of Node.js are a JSON value a line", () => {
    assert.deepEqual(tools.readNode(all.map((each) => `${JSON.stringify(each)}\n`).join("")), all);
  });

  it("of Bun nest suites within the file", () => {
    const xml = `<testsuites name="bun test"><testsuite name="a.test.js"><testsuite name="${NAME}">
      <testcase name="a" /><testsuite name="u"><testcase name="b"><failure type="E">x</failure></testcase></testsuite>
      <testcase name="c"><skipped /></testcase></testsuite></testsuite></testsuites>`;
    assert.deepEqual(sorted(tools.readBun(xml)), sorted(all));
  });

  it("of Deno have full names, and cases for suites, which count only if they fail by themselves", () => {
    const failure = "<failure>x</failure>";
    const inside = `<testcase name="${NAME} &gt; a"></testcase><testcase name="${NAME} &gt; u">${failure}</testcase>
      <testcase name="${NAME} &gt; u &gt; b">${failure}</testcase><testcase name="${NAME} &gt; c"><skipped/></testcase>
      <testcase name="h &gt; ok"></testcase>`;
    const xml = `<testsuites><testsuite name="a"><testcase name="${NAME}">${failure}</testcase><testcase name="h">${failure}</testcase>
      </testsuite><testsuite name="b">${inside}</testsuite></testsuites>`;
    const hook = [
      { test: "h", outcome: "failed" },
      { test: "h > ok", outcome: "passed" },
    ];
    assert.deepEqual(sorted(tools.readDeno(xml)), sorted([...all, ...hook]));
  });
});

describe("parityPage()", () => {
  const sections = { Functions: ["open()"] };
  const proof = { here: "open()", tests: { "a.test.ts": ["a", "b*"] } };
  const passed = ["a", "b1", "b2"].map((test) => ({ file: "a.test.ts", test, outcome: "passed" }));
  const known = [{ file: "a.test.ts", test: "b2", reason: "why", link: "https://example.org/1" }];
  const failing = passed.map((each) => (each.test === "b2" ? { ...each, outcome: "failed" } : each));
  const page = (items: object, results: object[], list: object[] = []) =>
    tools.parityPage(sections, { items, page: {} }, { deno: { version: "1", results, known: list } });

  it("says what passes, with links to the tests", () => {
    const { text, objections } = page({ "open()": proof }, passed);
    assert.deepEqual(objections, []);
    const row = "| `open()` | `open()` | ✔ | [a](../test/a.test.ts)<br>[b\\*](../test/a.test.ts) |";
    assert.ok(text.includes(row), text);
  });

  it("says what is known to fail, and why", () => {
    const { text, objections } = page({ "open()": proof }, failing, known);
    assert.deepEqual(objections, []);
    assert.ok(text.includes("✘ [why](https://example.org/1)"), text);
  });

  it("says why a test is skipped", () => {
    const skipped = passed.map((each) => ({ ...each, outcome: "skipped", reason: "no IPv6" }));
    const { text, objections } = page({ "open()": proof }, skipped);
    assert.deepEqual(objections, []);
    assert.ok(text.includes("| ✘ no IPv6 |"), text);
  });

  for (const [what, items, results] of [
    ["an item without a proof", {}, passed],
    ["an item that asyncio does not have", { "open()": proof, "shut()": proof }, passed],
    ["a proof without tests", { "open()": { here: "open()" } }, passed],
    ["a test that does not exist", { "open()": proof }, passed.slice(1)],
    ["a failure that is not known", { "open()": proof }, failing],
  ] as const) {
    it(`objects to ${what}`, () => {
      assert.equal(page(items, [...results]).objections.length, 1);
    });
  }
});
