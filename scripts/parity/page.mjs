// Joins what asyncio has, the tests that prove it and what these led to on each runtime into the text of docs/parity.md.
import { isMeant } from "../tests/verdict.mjs";

/** Where the page stands, seen from itself. */
const DIFFERENCES = "differences.md";
const TITLES = {
  node20: "Node.js 20",
  node22: "Node.js 22",
  node24: "Node.js 24",
  node26: "Node.js 26",
  bun: "Bun",
  deno: "Deno",
};

/**
 * @param sections `{ section: [item] }` of CPython
 * @param proofs test/parity.json: `items` by their name in asyncio, and `page`, the rules and examples of its page
 * @param runs by runtime, `{ version, results, known }`
 * @returns `text`, the page, and `objections`, what is missing or unknown
 */
export function parityPage(sections, proofs, runs) {
  const objections = [];
  const rowOf = (item, proof, name) => row(item, proof, name, runs, objections);
  const items = new Set(Object.values(sections).flat());
  for (const name of Object.keys(proofs.items)) {
    if (!items.has(name)) objections.push(`test/parity.json has ${name}, and asyncio has no such thing`);
  }
  const tables = Object.entries(sections).map(([section, names]) => {
    const rows = names.map((name) => rowOf(name, proofs.items[name], `\`${name}\``));
    return table(section, rows, runs);
  });
  for (const [section, rules] of Object.entries(proofs.page)) {
    const rows = Object.entries(rules).map(([rule, proof]) => rowOf(rule, proof, rule));
    tables.push(table(section, rows, runs));
  }
  return { text: [introduction(runs), ...tables].join("\n\n"), objections };
}

function introduction(runs) {
  const versions = Object.entries(runs).map(([name, { version }]) => `${TITLES[name]}: ${version}`);
  return `# Parity with asyncio

Everything that CPython 3.13 has for asyncio Streams, and every rule of its page, on every runtime: ✔ where all tests of the
row pass, ✘ where one is known to fail or is skipped, and why, and – where it is not here on purpose. \`npm run parity\` writes this
page from the results of the tests and from what CPython tells of itself; nothing on it is written by hand.

${versions.join(", ")}.`;
}

function table(section, rows, runs) {
  const titles = ["asyncio", "here", ...Object.keys(runs).map((name) => TITLES[name]), "proved by"];
  const lines = [titles, titles.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `## ${section}\n\n${lines.join("\n")}`;
}

function row(item, proof, name, runs, objections) {
  const runtimes = Object.keys(runs);
  if (proof === undefined) {
    objections.push(`test/parity.json has nothing for ${item}`);
    return [name, "", ...runtimes.map(() => ""), ""];
  }
  const { here = "", missing, tests = {} } = proof;
  if (missing !== undefined) {
    return [name, escape(missing), ...runtimes.map(() => "–"), `[differences](${DIFFERENCES})`];
  }
  const wanted = Object.entries(tests).flatMap(([file, names]) => names.map((test) => ({ file, test })));
  if (wanted.length === 0) objections.push(`test/parity.json names no test for ${item}`);
  const cells = runtimes.map((runtime) => cell(item, wanted, runtime, runs[runtime], objections));
  return [name, here === "" ? "" : `\`${here}\``, ...cells, wanted.map(link).join("<br>")];
}

/** How a row does on one runtime. */
function cell(item, wanted, runtime, { results, known }, objections) {
  const problems = [];
  for (const { file, test } of wanted) {
    const ofFile = results.filter((result) => result.file === file);
    const meant = ofFile.filter((result) => stands(result.test, test));
    const dead = ofFile.filter((result) => result.test === "*");
    if (meant.length === 0 && dead.length === 0) {
      objections.push(`${runtime} has no test ${file}: ${test}, named for ${item}`);
    }
    problems.push(...[...meant, ...dead].filter(({ outcome }) => outcome !== "passed"));
  }
  if (problems.length === 0) return "✔";
  const reasons = problems.map((problem) => ({
    ...problem,
    entry: known.find((entry) => isMeant(entry, problem)),
  }));
  for (const { file, test, outcome, reason, entry } of reasons) {
    const isExplained = entry !== undefined || (outcome === "skipped" && reason !== undefined);
    if (!isExplained) objections.push(`${runtime}: ${file}: ${test} has ${outcome}, named for ${item}`);
  }
  const whys = reasons.map(({ entry, reason }) =>
    entry === undefined ? escape(reason ?? "") : `[why](${entry.link})`,
  );
  return ["✘", ...new Set(whys)].join(" ");
}

/** Whether a result is of a wanted test: of that name, one of those that begin so if it ends in `*`, or a skipped suite of it. */
function stands(name, wanted) {
  const isMeant = wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
  return isMeant || wanted.startsWith(`${name} > `);
}

const link = ({ file, test }) => `[${escape(test)}](../test/${file})`;

/** Text that Markdown leaves alone, also in a table. */
const escape = (text) => text.replaceAll(/[\\`*_[\]<>|&]/g, (character) => `\\${character}`);
