/** How errors differ on purpose: ours, in the words of CPython, where nothing else differs. */
import type { ReaderScript } from "./scripts.js";
import type { Outcome } from "./trace.js";

type Used = (difference: string) => void;

/** By the class of CPython. */
const CLASSES: Readonly<Record<string, string>> = {
  ValueError: "RangeError",
  AssertionError: "InvalidStateError",
  RuntimeError: "InvalidStateError",
};

export function reconcileOutcome(
  { limit }: ReaderScript,
  ours: Outcome,
  theirs: Outcome,
  used: Used,
): Outcome {
  if (ours.error === undefined && ours.done === undefined) return ours;
  if (theirs.error === "CancelledError") return cancelled(ours, theirs, used);
  if (ours.error === "TypeError") return wrongType(theirs, used) ?? ours;
  if (ours.error === "LineTooLongError") return lineTooLong(limit, ours, theirs, used);
  return inTheirWords(ours, theirs, used);
}

function cancelled(ours: Outcome, theirs: Outcome, used: Used): Outcome {
  if (ours.done) used("left-loop-ends");
  else if (ours.error === "AbortError") used("abort-reason");
  else return ours;
  return theirs;
}

/** Python words its own TypeErrors by the operation that failed, and `read` looks at the stored exception first. */
function wrongType(theirs: Outcome, used: Used): Outcome | undefined {
  if (theirs.error === "TypeError") used("type-error-message");
  else if (theirs.error === "ScriptError") used("arguments-first");
  else return undefined;
  return theirs;
}

function lineTooLong(limit: number, ours: Outcome, theirs: Outcome, used: Used): Outcome {
  const loss = `${ours.dropped} bytes of the line were dropped`;
  if (theirs.error !== "ValueError" || ours.message !== `${theirs.message} (limit ${limit} bytes, ${loss})`) {
    return ours;
  }
  used("line-too-long");
  return theirs;
}

function inTheirWords(ours: Outcome, theirs: Outcome, used: Used): Outcome {
  let { error, message } = ours;
  if (theirs.error !== undefined && CLASSES[theirs.error] === error) {
    used("error-classes");
    error = theirs.error;
  }
  const rewrite = (difference: string, pattern: RegExp, replacement: string) => {
    const rewritten = message?.replace(pattern, replacement);
    if (rewritten !== message) used(difference);
    message = rewritten;
  };
  if (ours.error === "RangeError") rewrite("value-in-message", /, got \S+$/, "");
  rewrite("method-names", /^feedData\(\) called after feedEof\(\)$/, "feed_data after feed_eof");
  rewrite("method-names", /^readExactly\b/, "readexactly");
  rewrite("method-names", /^readUntil\b/, "readuntil");
  return { ...ours, ...(error && { error }), ...(message && { message }) };
}
