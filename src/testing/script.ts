/** What a scripted peer does: plain data, checked and named before the script begins. */
import { toBytes } from "../bytes/to-bytes.js";
import { checkDelay, checkInteger, isBytes } from "../checks.js";
import { kindOf } from "../describe.js";
import type { BytesLike } from "../transport/transport.js";
import { anyBytes, BytesPattern, type PatternPart } from "./bytes-pattern.js";
import { quote } from "./show-bytes.js";

/**
 * One step of a script, as the peer sees it:
 *
 * - `{ send }` sends bytes, and waits until the other end has room for them; with `pieces`, at most so many bytes at a
 *   time, each as a chunk of its own.
 * - `{ expect }` takes exactly these bytes, however they were cut; in a list, `anyBytes` stands for any up to what is
 *   behind it. A RegExp is held against one line, which is UTF-8, without its `"\n"` or `"\r\n"`.
 * - `{ wait }` lets so many ms pass on the script's clock.
 * - `"send eof"` ends the peer's direction; `"expect eof"` expects that the other end has ended its own, and has sent no
 *   byte before.
 * - `"close"` expects that no byte has come that was not taken, then closes the connection; `"reset"` ends it by an RST.
 * - `"leave open"`, as the last step, expects the same as `"close"`, and lets the connection be.
 *
 * `name` stands in messages for the number of the step.
 */
export type ScriptStep =
  | { readonly send: BytesLike; readonly pieces?: number | undefined; readonly name?: string | undefined }
  | {
      readonly expect: BytesLike | RegExp | readonly PatternPart[];
      readonly name?: string | undefined;
    }
  | { readonly wait: number; readonly name?: string | undefined }
  | ScriptSignal;

type ScriptSignal = "send eof" | "expect eof" | "close" | "reset" | "leave open";

/** A step that was checked. */
export type CheckedStep = { readonly text: string; readonly name: string | undefined } & (
  | { readonly kind: "send"; readonly bytes: Uint8Array; readonly pieces: number | undefined }
  | { readonly kind: "expect"; readonly pattern: BytesPattern }
  | { readonly kind: "expect line"; readonly pattern: RegExp }
  | { readonly kind: "wait"; readonly duration: number }
  | { readonly kind: ScriptSignal }
);

const SIGNALS: readonly ScriptSignal[] = ["send eof", "expect eof", "close", "reset", "leave open"];
const LAST: readonly string[] = ["close", "reset", "leave open"];
const KEYS: readonly string[] = ["send", "expect", "wait"];

/** @throws TypeError or RangeError with the number of the step that is wrong */
export function checkScript(script: unknown): CheckedStep[] {
  if (!Array.isArray(script)) throw new TypeError(`A script must be a list of steps, not ${kindOf(script)}`);
  return script.map((step: unknown, index) => {
    const caller = `step ${index + 1} of the script`;
    const checked = checkStep(caller, step);
    if (LAST.includes(checked.kind) && index < script.length - 1) {
      throw new RangeError(`${caller}, ${checked.text}, must be the last one`);
    }
    return checked;
  });
}

function checkStep(caller: string, step: unknown): CheckedStep {
  const signal = SIGNALS.find((known) => known === step);
  if (signal !== undefined) return { kind: signal, text: signal, name: undefined };
  const fields = Object(step) as Record<string, unknown>;
  const actions = KEYS.filter((key) => key in fields);
  if (typeof step !== "object" || actions.length !== 1) {
    const signals = SIGNALS.map((known) => JSON.stringify(known)).join(", ");
    throw new TypeError(
      `${caller} must be an object with one of ${KEYS.join(", ")}, or one of ${signals}, got ${kindOf(step)}`,
    );
  }
  const known = [...actions, "name", ...(actions[0] === "send" ? ["pieces"] : [])];
  const unknown = Object.keys(fields).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`${caller} has an unexpected ${JSON.stringify(unknown)}`);
  return checkAction(caller, fields);
}

/** Bytes are copied: a script does not change under way. */
function checkAction(caller: string, fields: Record<string, unknown>): CheckedStep {
  const { send, pieces, expect, wait } = fields;
  const name = fields["name"] === undefined ? undefined : String(fields["name"]);
  if (send !== undefined) {
    checkWritable(`send of ${caller}`, send);
    const bytes = Uint8Array.from(toBytes(send));
    const size = pieces === undefined ? undefined : checkInteger(`pieces of ${caller}`, pieces, 1);
    const suffix = size === undefined ? "" : `, in pieces of ${size}`;
    return { kind: "send", bytes, pieces: size, text: `send ${quote(bytes)}${suffix}`, name };
  }
  if (wait !== undefined) {
    return {
      kind: "wait",
      duration: checkDelay(`wait of ${caller}`, wait),
      text: `wait ${wait as number} ms`,
      name,
    };
  }
  if (expect instanceof RegExp) {
    return { kind: "expect line", pattern: expect, text: `expect ${String(expect)}`, name };
  }
  const parts = Array.isArray(expect) ? (expect as PatternPart[]) : [expect as BytesLike];
  for (const part of parts) if (part !== anyBytes) checkWritable(`expect of ${caller}`, part);
  if (parts.every((part) => part !== anyBytes && part.length === 0)) {
    throw new RangeError(`expect of ${caller} must have at least one byte`);
  }
  const pattern = new BytesPattern(parts);
  return { kind: "expect", pattern, text: `expect ${pattern.toString()}`, name };
}

function checkWritable(name: string, value: unknown): void {
  if (typeof value === "string" || isBytes(value)) return;
  throw new TypeError(`${name} must be bytes or a string, not ${kindOf(value)}`);
}
