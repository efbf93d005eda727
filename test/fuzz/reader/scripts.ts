/** What is done to a reader: scripts of calls, made at random. All sizes follow from the limit, so that they shrink with it. */
import * as fc from "fast-check";

/** Text, and how many times it is repeated: both sides make the same bytes of it, one a character. */
export type Piece = readonly [text: string, times: number];

/** Also sizes that no read takes. */
type Size = number | string | null;

/** What is done to it, and done at once. */
export type Call =
  | readonly ["feed", pieces: readonly Piece[]]
  | readonly ["eof"]
  | readonly ["exception", message: string]
  | readonly ["transport", canPause: boolean];

export type ReadCall =
  | readonly ["read", size: Size]
  | readonly ["readExactly", size: Size]
  | readonly ["readUntil", separators: readonly (string | null)[]]
  | readonly ["readLine"]
  | readonly ["next"];

/** `cancel`: every read that has not been seen to settle. `turn`: all that is ready happens, and what has settled is seen. */
export type Operation = Call | ReadCall | readonly ["cancel"] | readonly ["turn"];

export interface ReaderScript {
  readonly limit: number;
  readonly operations: readonly Operation[];
}

const READS: readonly string[] = ["read", "readExactly", "readUntil", "readLine", "next"];

export function isRead(operation: Operation): operation is ReadCall {
  return READS.includes(operation[0]);
}

/** What depends on the limit and the alphabet is made when both are known. */
type Draft<Value> = (context: { readonly limit: number; readonly alphabet: string }) => Value;

/** Small ones, in which separators come often and overlap. */
const ALPHABETS = ["a", "ab", "a\n", "ab\n", "\r\n", "\r\na", "abc", "abcd\n"];

const limits = fc.oneof(
  { weight: 120, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 60, arbitrary: fc.integer({ min: 1, max: 700 }) },
  { weight: 16, arbitrary: fc.integer({ min: 1, max: 5_000 }) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 70_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, -1) },
);

function texts(minLength: number, maxLength: number): fc.Arbitrary<Draft<string>> {
  return fc.array(fc.nat(5), { minLength, maxLength, size: "max" }).map(
    (letters) =>
      ({ alphabet }) =>
        letters.map((at) => alphabet[at % alphabet.length]!).join(""),
  );
}

/** None to three times the limit, and a little. */
const feeds: fc.Arbitrary<Draft<Operation>> = fc
  .tuple(
    texts(0, 5),
    texts(1, 4),
    fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 12 })),
    texts(0, 5),
  )
  .map(([head, body, quarters, tail]) => (context) => {
    const text = body(context);
    const times = Math.ceil((Math.max(0, context.limit) * quarters) / 4 / text.length);
    const pieces: Piece[] = [
      [head(context), 1],
      [text, times],
      [tail(context), 1],
    ];
    return ["feed", pieces.filter(([piece, count]) => piece !== "" && count > 0)];
  });

/** Quarters of the limit, and one more or less. */
const relativeSizes: fc.Arbitrary<Draft<Size>> = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: -1, max: 1 }))
  .map(
    ([quarters, more]) =>
      ({ limit }) =>
        Math.max(0, Math.floor((limit * quarters) / 4) + more),
  );

const fixedSizes = (...values: Size[]): fc.Arbitrary<Draft<Size>> =>
  fc.constantFrom(...values.map((size) => () => size));

const sizes: fc.Arbitrary<Draft<Size>> = fc.oneof(
  { weight: 12, arbitrary: fixedSizes(0, 1, 2, 3, 4, 5, 6) },
  { weight: 8, arbitrary: relativeSizes },
  { weight: 1, arbitrary: fixedSizes(-1, -5) },
  { weight: 1, arbitrary: fixedSizes(1.5, null, "3") },
);

/** One to three, that share beginnings or ends. */
const separators: fc.Arbitrary<Draft<string[]>> = fc
  .tuple(
    texts(1, 5),
    fc.array(fc.tuple(fc.constantFrom("own", "beginning", "end"), fc.nat(4), texts(1, 5)), { maxLength: 2 }),
  )
  .map(([first, others]) => (context) => {
    const shared = first(context);
    const more = others.map(([manner, size, own]) => {
      if (manner === "beginning") return (shared.slice(0, size) + own(context)).slice(0, 5);
      if (manner === "end") return (own(context) + shared.slice(-size)).slice(-5);
      return own(context);
    });
    return [shared, ...more];
  });

const NO_SEPARATORS = [[], [""], ["a", ""], [null], ["a", null]];

const plain = (...operations: Operation[]): fc.Arbitrary<Draft<Operation>> =>
  fc.constantFrom(...operations.map((operation) => () => operation));

function drafted<Value>(
  arbitrary: fc.Arbitrary<Draft<Value>>,
  toOperation: (value: Value) => Operation,
): fc.Arbitrary<Draft<Operation>> {
  return arbitrary.map((draft) => (context) => toOperation(draft(context)));
}

const operations: fc.Arbitrary<Draft<Operation>> = fc.oneof(
  { weight: 26, arbitrary: feeds },
  { weight: 16, arbitrary: drafted(separators, (several) => ["readUntil", several]) },
  { weight: 10, arbitrary: plain(["readLine"]) },
  { weight: 9, arbitrary: drafted(sizes, (size) => ["read", size]) },
  { weight: 9, arbitrary: drafted(sizes, (size) => ["readExactly", size]) },
  { weight: 7, arbitrary: plain(["cancel"]) },
  { weight: 5, arbitrary: plain(["next"]) },
  { weight: 2, arbitrary: plain(["eof"]) },
  { weight: 2, arbitrary: plain(["transport", true], ["transport", false]) },
  { weight: 1, arbitrary: plain(["exception", "e"], ["exception", "f"]) },
  { weight: 1, arbitrary: plain(...NO_SEPARATORS.map((wrong): Operation => ["readUntil", wrong])) },
);

/** Mostly with a transport from the start, and with a turn behind most calls. */
export const readerScripts: fc.Arbitrary<ReaderScript> = fc
  .record({
    limit: limits,
    alphabet: fc.constantFrom(...ALPHABETS),
    transport: fc.constantFrom("none", "pausable", "pausable", "pausable", "other"),
    drafts: fc.array(fc.tuple(operations, fc.nat(3)), { minLength: 1, maxLength: 28, size: "max" }),
  })
  .map(({ limit, alphabet, transport, drafts }) => {
    const first: Operation[] = transport === "none" ? [] : [["transport", transport === "pausable"]];
    const rest = drafts.flatMap(([draft, turn]): Operation[] => {
      const operation = draft({ limit, alphabet });
      return turn === 0 ? [operation] : [operation, ["turn"]];
    });
    return { limit, operations: [...first, ...rest, ["turn"]] };
  });
