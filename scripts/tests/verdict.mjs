// Weighs results against the failures that are known of a runtime, test/known-failures/<runtime>.json:
// `{ file, test, reason, link }` each. A `*` in the test's name stands for anything: alone for a whole file that the runtime
// cannot run.

/**
 * @param files the files that have run, of which alone `known` is looked at
 * @param results `{ file, test, outcome, reason }` each
 * @returns the counts, and what is wrong, a line each
 */
export function weigh(files, results, known) {
  const expected = known.filter(({ file }) => files.includes(file));
  const isKnown = (result) => expected.some((entry) => isMeant(entry, result));
  const having = (outcome) => results.filter((result) => result.outcome === outcome);
  const failed = having("failed");
  const skipped = having("skipped").filter((result) => !isKnown(result));
  const unexpected = failed.filter((result) => !isKnown(result));
  return {
    passed: having("passed").length,
    skipped,
    knownFailures: results.filter((result) => result.outcome !== "passed" && isKnown(result)).length,
    unexpected,
    objections: [
      ...unexpected.map((result) => `FAILED ${show(result)}`),
      ...skipped
        .filter(({ reason }) => reason === undefined)
        .map((result) => `SKIPPED WITHOUT A REASON ${show(result)}`),
      ...known.flatMap(objectionsTo),
      ...expected.flatMap((entry) => {
        const meant = results.filter((result) => isMeant(entry, result));
        if (meant.length === 0) return [`KNOWN FAILURE THAT DOES NOT EXIST ${show(entry)}`];
        return meant
          .filter(({ outcome }) => outcome === "passed")
          .map(({ test }) => `KNOWN FAILURE THAT PASSES ${show({ ...entry, test })}`);
      }),
    ],
  };
}

/** Whether an entry is about a test. */
export function isMeant(entry, { file, test }) {
  const parts = entry.test.split("*").map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, "\\$&"));
  return file === entry.file && new RegExp(`^${parts.join(".*")}$`).test(test);
}

/** What is wrong with the entry itself. */
function objectionsTo(entry) {
  return ["file", "test", "reason", "link"]
    .filter((key) => typeof entry[key] !== "string" || entry[key] === "")
    .map((key) => `KNOWN FAILURE WITHOUT ITS ${key} ${show(entry)}`);
}

const show = ({ file, test, reason }) => `${file}: ${test}${reason === undefined ? "" : ` (${reason})`}`;
