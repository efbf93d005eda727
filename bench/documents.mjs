// What the results say, in docs/performance.md with its charts, and in short in the README.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { barChart, lineChart, THEMES } from "./charts.mjs";
import { BASE, CONTENDERS } from "./contenders.mjs";
import { replaceMarked } from "../scripts/marked-part.mjs";
import { GROWTH, WORKLOADS } from "./workloads.mjs";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const CHARTS = "docs/charts";
const [AWAITED, QUICK] = CONTENDERS.filter(({ isOurs }) => isOurs).map(({ name }) => name);

/** How far above its best point a cost may be behind it, and still counts as flat. */
const FLAT = 1.3;

/** `machine` is a sentence on where and how the results came to be. */
export function writeDocuments(results, machine) {
  const measured = WORKLOADS.filter(({ name }) => results[name] !== undefined);
  const grown = GROWTH.filter(({ name }) => results[name] !== undefined);
  mkdirSync(at(CHARTS), { recursive: true });
  for (const { name, title } of measured) {
    const rows = results[name].toSorted((a, b) => b.relative - a.relative);
    saveChart(name, (theme) => barChart(`${title}: more is better`, rows, theme));
  }
  for (const { name, title } of grown) saveChart(name, (theme) => lineChart(title, results[name], theme));
  replaceParts("docs/performance.md", {
    machine,
    goals: goalsTable(measured, results),
    workloads: measured.map((workload) => section(workload, results[workload.name])).join("\n\n"),
    growth: grown.map((growth) => growthSection(growth, results[growth.name])).join("\n\n"),
    imports: table(
      ["entry point", "ms"],
      (results.imports ?? []).map(({ name, time }) => [`\`${name}\``, time.toFixed(1)]),
    ),
  });
  replaceParts("README.md", { bench: readmeTable(measured, results) });
}

function saveChart(name, draw) {
  for (const [themeName, theme] of Object.entries(THEMES)) {
    writeFileSync(at(`${CHARTS}/${name}.${themeName}.svg`), draw(theme));
  }
}

/** Puts `parts` between the marks that bear their names. */
function replaceParts(path, parts) {
  let text = readFileSync(at(path), "utf8");
  for (const [name, content] of Object.entries(parts)) text = replaceMarked(text, name, content);
  writeFileSync(at(path), text);
}

const table = (head, rows) =>
  [head, head.map((_, column) => (column === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

const rowOf = (rows, name) => rows.find((row) => row.name === name);
const showRelative = (row) => (row === undefined ? "" : row.relative.toFixed(2));
const showSpread = (row) => (row === undefined ? "" : `${row.least.toFixed(2)}–${row.most.toFixed(2)}`);

function goalsTable(workloads, results) {
  const rows = workloads.flatMap(({ name, title, goal = [], memoryGoal }) => {
    const [awaited, quick] = [AWAITED, QUICK].map((one) => rowOf(results[name], one));
    const lines = goal.map((least, index) => {
      const row = index === 0 && goal.length > 1 ? awaited : best(awaited, index === 0 ? undefined : quick);
      const way = goal.length > 1 ? (index === 0 ? ", awaited" : ", sync or batch") : "";
      return [
        `${title}${way}`,
        `≥ ${least}`,
        showRelative(row),
        showSpread(row),
        row.relative >= least ? "met" : "not met",
      ];
    });
    if (memoryGoal !== undefined) {
      const ratio = awaited.memoryEach / rowOf(results[name], BASE).memoryEach;
      lines.push([
        "memory of an idle connection",
        `≤ ${memoryGoal}`,
        ratio.toFixed(2),
        "",
        ratio <= memoryGoal ? "met" : "not met",
      ]);
    }
    return lines;
  });
  return table(["workload", "goal", "measured", "spread", ""], rows);
}

const best = (...rows) => rows.filter(Boolean).toSorted((a, b) => b.relative - a.relative)[0];

function section({ name, title }, rows) {
  const lines = rows
    .toSorted((a, b) => b.relative - a.relative)
    .map((row) => [
      row.isOurs ? `**${row.name}**` : row.name,
      showRelative(row),
      showSpread(row),
      row.cpu.toPrecision(3),
      row.user.toPrecision(3),
      row.system.toPrecision(3),
      Math.round(row.perSecond).toLocaleString("en"),
      (row.peakMemory / 1024 / 1024).toFixed(0),
      ...(row.memoryEach > 0 ? [(row.memoryEach / 1024).toFixed(1)] : []),
    ]);
  const head = ["", "relative", "spread", "CPU µs/op", "user", "system", "op/s", "peak MiB"];
  if (rows.some(({ memoryEach }) => memoryEach > 0)) head.push("KiB a connection");
  return `### ${title}\n\n${picture(name, title)}\n\n${table(head, lines)}`;
}

function growthSection({ name, title }, points) {
  const costs = points.map(({ cost }) => cost);
  const bestAt = costs.indexOf(Math.min(...costs));
  const worst = Math.max(...costs.slice(bestAt)) / costs[bestAt];
  return (
    `### ${title}\n\n${picture(name, title)}\n\n` +
    `Best at ${points[bestAt].point.toLocaleString("en")}; from there on at most ${worst.toFixed(2)} times that` +
    `${worst > FLAT ? `, which is more than the ${FLAT} that would count as flat` : ""}.`
  );
}

const picture = (name, title) =>
  `<picture><source media="(prefers-color-scheme: dark)" srcset="charts/${name}.dark.svg">` +
  `<img alt="${title}" src="charts/${name}.light.svg"></picture>`;

function readmeTable(workloads, results) {
  const compared = [AWAITED, QUICK, "CPython asyncio", "uvloop"];
  const rows = workloads.map(({ name, title }) => [
    title,
    ...compared.map((one) => showRelative(rowOf(results[name], one))),
  ]);
  return table(
    ["CPU, plain node:net = 1, more is better", "awaited", "sync or batch", "CPython", "uvloop"],
    rows,
  );
}
