/**
 * Differential fuzz against CPython: `npm run fuzz -- --cases N --seed S --kind KIND`. All kinds without a kind, a fresh
 * seed without a seed. Ends with 0 if nothing differs but what docs/differences.md lists, with 1 if something does, with 2
 * if the command line is wrong.
 */
import { argv } from "node:process";
import { needsPython } from "../support/python.js";
import { parseFuzzArguments, type FuzzArguments } from "./arguments.js";
import { runCampaign } from "./campaign.js";
import { readDifferences } from "./differences.js";
import type { Kind } from "./kind.js";
import { readerKind } from "./reader/kind.js";
import { complaintOf, summaryOf } from "./report.js";
import { tlsKind } from "./tls/kind.js";
import { writerKind } from "./writer/kind.js";

const KINDS: Readonly<Record<string, Kind<never>>> = {
  reader: readerKind as Kind<never>,
  writer: writerKind as Kind<never>,
  tls: tlsKind as Kind<never>,
};

async function main(): Promise<number> {
  const args = argumentsOrUsage();
  if (args === undefined) return 2;
  const { command, options } = needsPython();
  if (options.skip !== false) return complain(options.skip);
  const differences = readDifferences();
  let status = 0;
  for (const name of args.kinds) {
    console.log(`fuzz ${name}: ${args.cases} cases, seed ${args.seed}`);
    const kind = KINDS[name]!;
    const result = await runCampaign(kind, { ...args, python: command, differences });
    const complaint = complaintOf(kind, result);
    if (complaint !== undefined) status = complain(complaint);
    console.log(summaryOf(name, args.seed, result));
  }
  return status;
}

function argumentsOrUsage(): FuzzArguments | undefined {
  const kinds = Object.keys(KINDS);
  try {
    return parseFuzzArguments(argv.slice(2), kinds);
  } catch (error) {
    complain(`fuzz: ${(error as Error).message}`);
    complain(`usage: npm run fuzz -- [--cases N] [--seed S] [--kind ${kinds.join("|")}]`);
    return undefined;
  }
}

function complain(text: string): 1 {
  console.error(text);
  return 1;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error);
  return 1;
});
