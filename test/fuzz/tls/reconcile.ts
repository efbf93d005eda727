/** Where a trace over TLS differs from one of asyncio on purpose, it is made the same, and the difference named. */
import { isRightRead, isSame, nameOf, sameWords, type Use } from "../peer/words.js";
import type { Difference, Script, Step } from "./script.js";

export function reconcile(
  script: Script,
  ours: unknown[],
  theirs: unknown[],
  used: Use,
): { ours: unknown[]; theirs: unknown[] } {
  const pairs = script.steps.map((step, index) => reconcileStep(step, ours[index], theirs[index], used));
  return { ours: pairs.map(([our]) => our), theirs: pairs.map(([, their]) => their) };
}

function reconcileStep(step: Step, ours: unknown, theirs: unknown, used: Use): [unknown, unknown] {
  const [our, their] = sameWords(ours, theirs, used);
  if (isSame(our, their)) return [our, their];
  const differs = step.op === "writeEof" ? "tls-write-eof" : step.differs;
  if (differs === undefined || !RULES[differs](step, our, their)) return [our, their];
  used(differs);
  return [their, their];
}

/** Whether two steps that are not the same are what the difference allows. */
type Rule = (step: Step, ours: unknown, theirs: unknown) => boolean;

const OK = ["ok", null];

const RULES: Readonly<Record<Difference | "tls-write-eof", Rule>> = {
  "tls-write-eof": (_step, ours, theirs) =>
    nameOf(ours) === "NotImplementedError" && isSame(theirs, ["error", "NotImplementedError", ""]),
  // A client's handshake that came early is taken up; what somebody has slipped in fails it.
  "bytes-before-tls": (_step, ours, theirs) => {
    if (nameOf(theirs) === "ConnectionAbortedError") return isSame(ours, OK);
    if (theirs === "eof") return ours === "ok";
    return nameOf(ours) !== "" || isOver(ours);
  },
  "refused-handshake": (_step, ours, theirs) => [ours, theirs].every((end) => end === "ok" || isOver(end)),
  "failed-start-tls": (_step, ours, theirs) => nameOf(ours) !== "" && theirs === "pending",
  "tls-first-write": (_step, ours, theirs) => ours === "pending" && isSame(theirs, OK),
  "truncation-answer": (_step, ours, theirs) => isSame(withoutEnd(ours, "notify"), withoutEnd(theirs, "eof")),
  "data-after-close": ({ op }, ours, theirs) => {
    if (op === "atEof") return ours === true && theirs === false;
    return (
      nameOf(theirs) === "SSLError" && /AFTER_CLOSE_NOTIFY/.test(JSON.stringify(theirs)) && isEndedWell(ours)
    );
  },
  "readable-after-reset": ({ op }, ours, theirs) =>
    op === "atEof" ? ours === true && theirs === false : isRightRead(ours) && nameOf(theirs) !== "",
};

/** How the peer may hear that its handshake has failed. */
function isOver(step: unknown): boolean {
  return step === "eof" || step === "ECONNRESET" || (Array.isArray(step) && step[0] === "failed");
}

/** What the peer has read, if it ended like that. */
function withoutEnd(step: unknown, end: string): unknown {
  return Array.isArray(step) && step[2] === end ? step.slice(0, 2) : step;
}

function isEndedWell(step: unknown): boolean {
  const isLost = isSame(step, ["error", "ConnectionResetError", "Connection lost"]);
  return step === null || isSame(step, OK) || isLost || isRightRead(step);
}
