// A reporter for node:test: one JSON value a line for each test that ended, and for each suite that failed by itself.

/** The results that `readNode` reads. */
// eslint-disable-next-line import/no-default-export -- Node.js wants the reporter as the default export
export default async function* report(events) {
  /** The names of the suites around the test that runs, outermost first. */
  const path = [];
  for await (const { type, data } of events) {
    if (type === "test:start") {
      path.length = data.nesting;
      path.push(data.name);
    }
    if (type !== "test:pass" && type !== "test:fail") continue;
    const test = [...path.slice(0, data.nesting), data.name].join(" > ");
    const isSuite = data.details.type === "suite";
    if (type === "test:fail") {
      const failedByItself = data.details.error?.failureType !== "subtestsFailed";
      if (!isSuite || failedByItself) yield line({ test, outcome: "failed" });
    } else if (data.skip !== undefined) {
      const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : undefined;
      yield line({ test, outcome: "skipped", reason });
    } else if (data.todo !== undefined) {
      yield line({ test, outcome: "failed" });
    } else if (!isSuite) {
      yield line({ test, outcome: "passed" });
    }
  }
}

const line = (result) => `${JSON.stringify(result)}\n`;
