// A reporter for node:test: one JSON value a line for each test that ended, and for each suite that failed by itself. Its
// address says where they go: `?report=FILE`, which it never holds open, as tests look at the descriptors of their process.
import { appendFileSync } from "node:fs";

const file = new URL(import.meta.url).searchParams.get("report");

/** The results that `readNode` reads; what people read comes from another reporter. */
// eslint-disable-next-line import/no-default-export -- Node.js wants the reporter as the default export
export default async function* report(events) {
  yield ""; // A reporter prints something.
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
      if (!isSuite || failedByItself) keep({ test, outcome: "failed" });
    } else if (data.skip !== undefined) {
      const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : undefined;
      keep({ test, outcome: "skipped", reason });
    } else if (data.todo !== undefined) {
      keep({ test, outcome: "failed" });
    } else if (!isSuite) {
      keep({ test, outcome: "passed" });
    }
  }
}

const keep = (result) => appendFileSync(file, `${JSON.stringify(result)}\n`);
