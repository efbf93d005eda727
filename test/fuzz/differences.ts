/** The table of intended differences, docs/differences.md, as the fuzz knows it. */
import { readFileSync } from "node:fs";
import { packageRoot } from "../support/package-root.js";

export interface Difference {
  readonly name: string;
  /** The kinds of script that meet it. */
  readonly kinds: readonly string[];
}

/** `none` is for what no script can show. */
const KINDS = ["reader", "writer", "tls", "none"];
const COLUMNS = ["name", "kinds", "what asyncio does", "what happens here", "why", "since"];

export function readDifferences(path: string = `${packageRoot}/docs/differences.md`): Difference[] {
  return parseDifferences(readFileSync(path, "utf8"));
}

/** @throws Error if the page has no such table, or a row that lacks something or names what another row names */
export function parseDifferences(page: string): Difference[] {
  const [header, , ...rows] = page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map(cellsOf);
  if (header?.join() !== COLUMNS.join()) {
    throw new Error(`the table of differences must have the columns ${COLUMNS.join(", ")}`);
  }
  const differences = rows.map((cells) => {
    if (cells.length !== COLUMNS.length || cells.includes("")) {
      throw new Error(`a row of the table of differences is not whole: ${cells.join(" | ")}`);
    }
    const [name, kinds] = cells as [string, string];
    return { name: name.replaceAll("`", ""), kinds: kindsOf(kinds) };
  });
  const names = differences.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new Error(`the table of differences has two rows named ${twice}`);
  return differences;
}

function kindsOf(cell: string): string[] {
  const kinds = cell.split(",").map((kind) => kind.trim());
  const unknown = kinds.find((kind) => !KINDS.includes(kind));
  if (unknown === undefined) return kinds;
  throw new Error(`the table of differences names the kind ${unknown}, and there are ${KINDS.join(", ")}`);
}

function cellsOf(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}
