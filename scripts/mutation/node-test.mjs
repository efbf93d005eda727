/**
 * What the tests use of `node:test`, for a process that runs them again and again: a file is loaded once, and `runTests`
 * runs those of its tests that are wanted, as often as it is called.
 */
import { setTimeout, clearTimeout, setImmediate } from "node:timers";

/** How long a test may take, in ms, the first time; after that, beyond five times what it took then. */
const FIRST_PATIENCE = 60_000;
const PATIENCE = 3_000;

/** Thrown for a test that has not ended in time. */
export class TestTimeout extends Error {}

/** What a `describe` holds, or a file. `hooks` by when they run. */
function newSuite(name, parent) {
  const suite = {
    name,
    parent,
    path: parent === undefined ? [] : [...parent.path, name],
    hooks: { before: [], beforeEach: [], afterEach: [], after: [] },
    entries: [],
  };
  parent?.entries.push(suite);
  return suite;
}

const root = newSuite("", undefined);
let current = root;
/** Every test by its id: its file, and the names of its suites and itself. */
const tests = new Map();

export function describe(name, ...rest) {
  const outer = current;
  current = newSuite(name, outer);
  try {
    rest.at(-1)();
  } finally {
    current = outer;
  }
}

export function it(name, ...rest) {
  const body = rest.at(-1);
  const { skip = false } = rest.length > 1 ? rest[0] : {};
  let id = [...current.path, name].join(" > ");
  while (tests.has(id)) id += " again";
  const test = { id, name, body, skip, suite: current, file: fileOf(current), took: undefined };
  tests.set(id, test);
  current.entries.push(test);
}

export const before = (hook) => void current.hooks.before.push(hook);
export const beforeEach = (hook) => void current.hooks.beforeEach.push(hook);
export const afterEach = (hook) => void current.hooks.afterEach.push(hook);
export const after = (hook) => void current.hooks.after.push(hook);

function fileOf({ path }) {
  return path[0];
}

/** Loads a file whose tests are registered under its name. */
export async function loadTests(file, load) {
  current = newSuite(file, root);
  try {
    await load();
  } finally {
    current = root;
  }
}

/** Every test that is loaded. */
export function allTests() {
  return [...tests.values()];
}

/** What happened outside of any test's own promise. Set while one runs. */
let onStray;
process.on("uncaughtException", (error) => onStray?.(error));
process.on("unhandledRejection", (error) => onStray?.(error));

/**
 * Runs the tests with the ids in `wanted`, up to the first that fails if `bail`, and gives `{ test, took, error }` of each:
 * the time in ms, and what it failed with. `enter` is called with the tests that the next code runs for.
 */
export async function runTests(wanted, { bail, enter }) {
  const results = [];
  const run = { wanted, bail, enter, results };
  await runSuite(root, run);
  return results;
}

export function hasFailed(results) {
  return results.some(({ error }) => error !== undefined);
}

function isDone({ bail, results }) {
  return bail && hasFailed(results);
}

function testsIn(entry, wanted) {
  if (entry.entries === undefined) return wanted.has(entry.id) && !entry.skip ? [entry] : [];
  return entry.entries.flatMap((inner) => testsIn(inner, wanted));
}

async function runSuite(suite, run) {
  const own = testsIn(suite, run.wanted);
  if (own.length === 0) return;
  const fail = (error) => run.results.push({ test: own[0], took: 0, error });
  const runHooks = async (hooks) => {
    run.enter(own);
    for (const hook of hooks) await settle(hook, PATIENCE);
  };
  try {
    await runHooks(suite.hooks.before);
    for (const entry of suite.entries) {
      if (isDone(run)) break;
      if (entry.entries !== undefined) await runSuite(entry, run);
      else if (testsIn(entry, run.wanted).length > 0) await runTest(entry, run);
    }
  } catch (error) {
    fail(error);
  }
  await runHooks(suite.hooks.after).catch(fail);
}

async function runTest(test, { enter, results }) {
  const chain = [];
  for (let { suite } = test; suite !== undefined; suite = suite.parent) chain.push(suite);
  const patience = test.took === undefined ? FIRST_PATIENCE : PATIENCE + 5 * test.took;
  const begun = performance.now();
  let error;
  const step = (part) =>
    settle(part, patience).catch((thrown) => (error ??= thrown ?? new Error("thrown: undefined")));
  enter([test]);
  for (const { hooks } of chain.toReversed()) for (const hook of hooks.beforeEach) await step(hook);
  if (error === undefined) await step(test.body);
  for (const { hooks } of chain) for (const hook of hooks.afterEach) await step(hook);
  const took = performance.now() - begun;
  if (error === undefined) test.took ??= took;
  results.push({ test, took, error });
}

/** Calls `part`; rejects as it does, or with what goes wrong elsewhere meanwhile, or when it takes too long. */
async function settle(part, patience) {
  let timer;
  try {
    await Promise.race([
      new Promise((_resolve, reject) => {
        onStray = reject;
        timer = setTimeout(
          () => reject(new TestTimeout(`not ended within ${Math.round(patience)} ms`)),
          patience,
        );
      }),
      callAndTurn(part),
    ]);
  } finally {
    clearTimeout(timer);
    onStray = undefined;
  }
}

/** The turn of the event loop after it brings the rejections that nobody handles. */
async function callAndTurn(part) {
  await part();
  await new Promise((resolve) => setImmediate(resolve));
}
