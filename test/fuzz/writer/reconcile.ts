/** Where a trace of this library differs from one of asyncio on purpose, it is made the same, and the difference named. */
import { isRightRead, isSame, nameOf, sameWords, type Use } from "../peer/words.js";
import type { Difference, Script, Step } from "./script.js";

/** Both traces, in asyncio's words, and with what asyncio did where the script says that this library does another thing. */
export function reconcile(
  script: Script,
  ours: unknown[],
  theirs: unknown[],
  used: Use,
): { ours: unknown[]; theirs: unknown[] } {
  const reset = script.steps.findIndex(({ differs }) => differs === "reset-while-closing");
  const pairs = script.steps.map((step, index) => {
    const our = reset >= 0 && index > reset ? sameReset(ours[index], theirs[index], used) : ours[index];
    return reconcileStep(step, our, theirs[index], used);
  });
  return { ours: pairs.map(([our]) => our), theirs: pairs.map(([, their]) => their) };
}

function reconcileStep(step: Step, ours: unknown, theirs: unknown, used: Use): [unknown, unknown] {
  if (step.atMost !== undefined) return [upTo(step.atMost, ours), upTo(step.atMost, theirs)];
  const [our, their] = sameWords(ours, theirs, used);
  const { differs } = step;
  if (differs === undefined || isSame(our, their) || !RULES[differs](step, our, their)) return [our, their];
  used(differs);
  return [their, their];
}

/** A reset that a read has met, where asyncio meets it with a write. */
function sameReset(ours: unknown, theirs: unknown, used: Use): unknown {
  const text = JSON.stringify(ours).replace(
    '"ConnectionResetError","ECONNRESET"',
    '"BrokenPipeError","EPIPE"',
  );
  if (text === JSON.stringify(ours) || text !== JSON.stringify(theirs)) return ours;
  used("reset-while-closing");
  return theirs;
}

/** Whether two steps that are not the same are what the difference allows. */
type Rule = (step: Step, ours: unknown, theirs: unknown) => boolean;

const LOST = ["error", "ConnectionResetError", "Connection lost"];

const sendsMore: Rule = ({ extra = 0 }, ours, theirs) => {
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return false;
  const [ourCount, ...ourRest] = ours as unknown[];
  const [theirCount, ...theirRest] = theirs as unknown[];
  return Number(ourCount) + extra === theirCount && isSame(ourRest, theirRest);
};

const RULES: Readonly<Record<Difference, Rule>> = {
  "end-of-tick": sendsMore,
  "write-while-closing": (step, ours, theirs) =>
    step.op === "peerReadEnd" ? sendsMore(step, ours, theirs) : isSame(ours, LOST),
  "writelines-after-end": (_step, ours, theirs) =>
    ours === null && /^(TypeError|AttributeError)$/.test(nameOf(theirs)),
  "late-close": (_step, ours, theirs) => ours === null && nameOf(theirs) === "AttributeError",
  // Of the steps behind it.
  "reset-while-closing": () => false,
  "writelines-pause": (_step, _ours, theirs) => isSame(theirs, ["ok", null]),
  "cancelled-wait-closed": (_step, _ours, theirs) => theirs === "cancelled",
  "both-ended": ({ op }, ours, theirs) => {
    if (op === "isClosing") return ours === true && theirs === false;
    return isSame(ours, LOST)
      ? isSame(theirs, ["ok", null])
      : isSame(ours, ["ok", null]) && theirs === "pending";
  },
  // What asyncio does not give away stays in its buffer, which is not at its end then.
  "readable-after-reset": ({ op }, ours, theirs) =>
    op === "atEof" ? ours === true && theirs === false : isRightRead(ours) && nameOf(theirs) !== "",
};

function upTo(most: number, step: unknown): unknown {
  if (!Array.isArray(step)) return step;
  const [count, ...rest] = step as unknown[];
  return [Number(count) <= most ? "as much as the kernel had" : count, ...rest];
}
