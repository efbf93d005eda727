/** Scripts of a StreamReader that is fed by hand. */
import { packageRoot } from "../../support/package-root.js";
import type { Kind, Step } from "../kind.js";
import { runOurs } from "./ours.js";
import { reconcile } from "./reconcile.js";
import { readerScripts, type ReaderScript } from "./scripts.js";
import { showScript } from "./show-script.js";
import type { ReaderStep } from "./trace.js";

export const readerKind: Kind<ReaderScript> = {
  name: "reader",
  scripts: readerScripts,
  program: `${packageRoot}/test/fuzz/reader/theirs.py`,
  run: (script) => runOurs(script),
  reconcile: (script, ours: Step[], theirs: Step[], used) =>
    reconcile(script, ours as ReaderStep[], theirs as ReaderStep[], used),
  concurrency: 1,
  show: showScript,
};
