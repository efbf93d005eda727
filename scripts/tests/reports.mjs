// Reads what the runtimes report of a file of tests: `{ test, outcome, reason }` each, with the full name "suite > suite > test".

const TAG = /<(\/?)(testsuite|testcase|failure|error|skipped)\b((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>/g;
const ATTRIBUTE = /([\w:-]+)="([^"]*)"/g;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The lines of node-reporter.mjs. */
export const readNode = (text) => text.split("\n").filter(Boolean).map(JSON.parse);

/** Bun nests suites, in one that stands for the file. It leaves out suites that are skipped, and every reason. */
export const readBun = (text) =>
  testCases(text).map(({ path, outcome }) => ({ test: path.slice(1).join(" > "), outcome }));

/** Deno gives full names, and a suite is a case like its tests: it counts where it has none, or failed by itself. */
export function readDeno(text) {
  const cases = testCases(text).map(({ path, outcome }) => ({ test: path.at(-1), outcome }));
  return cases.filter(({ test, outcome }) => {
    const inside = cases.filter((other) => other.test.startsWith(`${test} > `));
    if (inside.length === 0) return true;
    return outcome === "failed" && inside.every((other) => other.outcome !== "failed");
  });
}

/** All test cases of a JUnit report, with the names of the suites around each. */
function testCases(xml) {
  const suites = [];
  const cases = [];
  for (const [, end, tag, attributes, empty] of xml.matchAll(TAG)) {
    if (tag === "testsuite") {
      if (end !== "") suites.pop();
      else if (empty === "") suites.push(nameIn(attributes));
    } else if (tag === "testcase") {
      if (end === "") cases.push({ path: [...suites, nameIn(attributes)], outcome: "passed" });
    } else if (end === "") {
      cases.at(-1).outcome = tag === "skipped" ? "skipped" : "failed";
    }
  }
  return cases;
}

function nameIn(attributes) {
  const [, , value] = [...attributes.matchAll(ATTRIBUTE)].find(([, name]) => name === "name");
  return value.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (_all, decimal, hexadecimal, name) => {
    if (name !== undefined) return ENTITIES[name];
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal));
  });
}
