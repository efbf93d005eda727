/**
 * Stryker's way to the tests: one process loads them all once, and each mutant costs no more than the tests that reach it.
 * A process that a mutant has left in disorder ends itself, and Stryker starts another one.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { INSTRUMENTER_CONSTANTS } from "@stryker-mutator/api/core";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import { DryRunStatus, MutantRunStatus, TestStatus } from "@stryker-mutator/api/test-runner";
import { allTests, hasFailed, loadTests, runTests, TestTimeout } from "./node-test.mjs";
import { useSources } from "./sources.mjs";

/** Tests that need neither other programs nor more than the loopback, and are quick. */
const TESTS = [
  "test/{bytes,connect,server,streams,waiting}/**/*.test.ts",
  "test/{arguments,errors,open-connection,start-server}.test.ts",
  "test/tls/{serve,start-tls*}.test.ts",
];

/** Tests of how much time or memory something takes, which take long themselves here, and those of another process. */
const LEFT_OUT =
  /holds nothing after [\d ]+ (reads|times)|while the other hangs|an address that hangs|(while connecting|in a race of several) rejects|does linear work when 8 MiB|looks again only at what a longer/;

/** A test that takes longer, in ms, is run for a mutant only if it is named after the mutant's file. */
const LONG = 100;

/** A loop counts as endless once a test has come past the mutant so many times more than without it. */
const MORE_HITS = 20;
const LEAST_HITS = 10_000;

/** What the first run has found out of each test, for all processes: how long it takes, and its way through the mutants. */
const KNOWN = "first-run.json";

const namespace = (globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {});

class InProcessTestRunner {
  #isLoaded = false;
  #isInDisorder = false;
  #known;

  capabilities() {
    return { reloadEnvironment: false };
  }

  async dryRun({ disableBail }) {
    await this.#load();
    const coverage = new Coverage();
    const ids = idsOf(wantedTests());
    const results = await runTests(ids, { bail: !disableBail, enter: (tests) => coverage.enter(tests) });
    const mutantCoverage = coverage.end();
    const known = results.map(({ test, took }) => [
      test.id,
      { took, hits: mutantCoverage.perTest[test.id] ?? {} },
    ]);
    writeFileSync(KNOWN, JSON.stringify(Object.fromEntries(known)));
    return {
      status: DryRunStatus.Complete,
      tests: results.map(({ test, took, error }) => ({
        id: test.id,
        name: test.id,
        fileName: test.file,
        timeSpentMs: Math.round(took),
        ...(error === undefined
          ? { status: TestStatus.Success }
          : { status: TestStatus.Failed, failureMessage: show(error) }),
      })),
      mutantCoverage,
    };
  }

  async mutantRun({ activeMutant: { id, fileName }, testFilter, mutantActivation }) {
    if (this.#isInDisorder) process.exit(1);
    namespace.activeMutant = mutantActivation === "static" ? id : undefined;
    try {
      await this.#load();
    } catch (error) {
      return killed(error, [], 0);
    }
    const known = (this.#known ??= JSON.parse(readFileSync(KNOWN, "utf8")));
    const tests = wantedTests().filter((test) => testFilter?.includes(test.id) ?? true);
    for (const test of tests) test.took ??= known[test.id].took;
    const isNamesake = ({ file }) => basename(file).startsWith(basename(fileName, ".ts"));
    const others = tests.filter((test) => !isNamesake(test) && test.took < LONG);

    let isEndless = false;
    const enter = ([test, another]) => {
      isEndless ||= namespace.hitCount > namespace.hitLimit;
      const hits = another === undefined ? (known[test.id].hits[id] ?? 0) : 0;
      Object.assign(namespace, { hitCount: 0, hitLimit: LEAST_HITS + MORE_HITS * hits });
    };
    namespace.activeMutant = id;
    const results = await runTests(idsOf(tests.filter(isNamesake)), { bail: true, enter });
    if (!hasFailed(results)) results.push(...(await runTests(idsOf(others), { bail: true, enter })));
    enter(tests);
    namespace.activeMutant = undefined;

    const failed = results.find(({ error }) => error !== undefined);
    if (failed === undefined) return { status: MutantRunStatus.Survived, nrOfTests: results.length };
    this.#isInDisorder = mutantActivation === "static" || !(await passes(failed.test));
    if (isEndless || failed.error instanceof TestTimeout) {
      return { status: MutantRunStatus.Timeout, reason: show(failed.error) };
    }
    return killed(failed.error, [failed.test.id], results.length);
  }

  async #load() {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    enableCompileCache();
    const folder = process.cwd();
    useSources(folder);
    for (const file of globSync(TESTS, { cwd: folder }).toSorted()) {
      await loadTests(file, () => import(pathToFileURL(`${folder}/${file}`)));
    }
  }
}

/** Which mutants were reached on the way through which tests. What a suite's hooks reach counts for all its tests. */
class Coverage {
  #shared = new Map();

  constructor() {
    namespace.mutantCoverage ??= { static: {}, perTest: {} };
  }

  enter(tests) {
    const id = tests.length === 1 ? tests[0].id : `suite of ${tests[0].id}, ${tests.length} tests`;
    if (tests.length > 1) this.#shared.set(id, tests);
    namespace.currentTestId = id;
  }

  end() {
    namespace.currentTestId = undefined;
    const coverage = namespace.mutantCoverage;
    namespace.mutantCoverage = undefined;
    for (const [shared, tests] of this.#shared) {
      const counts = coverage.perTest[shared] ?? {};
      delete coverage.perTest[shared];
      for (const { id } of tests) {
        const own = (coverage.perTest[id] ??= {});
        for (const [mutant, count] of Object.entries(counts)) own[mutant] = (own[mutant] ?? 0) + count;
      }
    }
    return coverage;
  }
}

/** Whether a test passes with no mutant active: what one has left behind would make others look killed. */
async function passes(test) {
  return !hasFailed(await runTests(new Set([test.id]), { bail: true, enter: () => {} }));
}

function wantedTests() {
  return allTests().filter(({ id }) => !LEFT_OUT.test(id));
}

function killed(error, killedBy, nrOfTests) {
  return { status: MutantRunStatus.Killed, failureMessage: show(error), killedBy, nrOfTests };
}

function idsOf(tests) {
  return new Set(tests.map(({ id }) => id));
}

function show(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "in-process", InProcessTestRunner)];
