/** Scripts of operations on a connection, at random. */
import * as fc from "fast-check";
import { UNREACHED } from "./outgoing.js";
import { plan, type Action } from "./plan.js";
import type { Script } from "./script.js";

/** In ticks; most scripts are shorter. */
const LONGEST = 16;

const size = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 2) },
  { weight: 4, arbitrary: fc.integer({ min: 3, max: 600 }) },
  { weight: 1, arbitrary: fc.constantFrom(1024, 1025, 2048, 2049, 4096) },
);
const mark = fc.constantFrom(0, 1, 1000, 16_384, 65_536, 200_000);

function bare<Act extends Action["act"]>(...acts: Act[]): fc.Arbitrary<{ act: Act }> {
  return fc.constantFrom(...acts).map((act) => ({ act }));
}

const limits: fc.Arbitrary<Action> = fc
  .oneof(
    fc.record({ high: mark, low: mark }, { requiredKeys: [] }),
    fc.constant({ high: UNREACHED }),
    fc.record({ low: fc.constantFrom(-1, UNREACHED / 4) }),
    fc.constant({ high: -1 }),
  )
  .map((marks) => ({ act: "setLimits", ...marks }));

/** What our end does, and gives its result at once. */
const atOnce: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: size.map((n) => ({ act: "write", n }) as const) },
  // A member without bytes would keep the loop of CPython 3.13.0 busy for ever.
  {
    weight: 3,
    arbitrary: fc
      .array(fc.integer({ min: 1, max: 400 }), { maxLength: 4 })
      .map((sizes) => ({ act: "writelines", sizes }) as const),
  },
  { weight: 3, arbitrary: bare("writeMuch", "writeMuch", "writeMuch", "writelinesMuch") },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.constantFrom("none", "number", "numbers").map((value) => ({ act: "writeWrong", value }) as const),
      fc
        .constantFrom("number", "numbers", "bytes")
        .map((value) => ({ act: "writelinesWrong", value }) as const),
    ),
  },
  { weight: 5, arbitrary: bare("drain") },
  { weight: 2, arbitrary: bare("waitClosed") },
  { weight: 2, arbitrary: limits },
  { weight: 2, arbitrary: bare("isClosing", "canWriteEof", "limits") },
  { weight: 2, arbitrary: bare("writeEof") },
  { weight: 2, arbitrary: bare("close", "close", "abort") },
);

/** What needs a turn of the event loop of its own. */
const later: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: bare("look", "look", "look", "atEof", "exception") },
  { weight: 3, arbitrary: fc.nat({ max: 20 }).map((n) => ({ act: "cancel", n }) as const) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom("read", "readExactly"), size).map(([act, n]) => ({ act, n })),
  },
  { weight: 2, arbitrary: bare("readLine", "readToEnd") },
  { weight: 6, arbitrary: size.map((n) => ({ act: "peerWrite", n }) as const) },
  { weight: 3, arbitrary: size.map((n) => ({ act: "peerRead", n }) as const) },
  { weight: 4, arbitrary: bare("peerReadAll", "peerReadEnd") },
  { weight: 3, arbitrary: bare("peerShutdown", "peerClose", "peerReset") },
);

const tick: fc.Arbitrary<Action[]> = fc.oneof(
  { weight: 4, arbitrary: later.map((action) => [action]) },
  { weight: 3, arbitrary: atOnce.map((action) => [action]) },
  { weight: 1, arbitrary: fc.array(atOnce, { minLength: 2, maxLength: 4 }) },
);

/** What leads to differences that chance alone would seldom meet. */
const BEGINNINGS: readonly (readonly (readonly Action[])[])[] = [
  [[{ act: "writeMuch" }], [{ act: "close" }], [{ act: "peerReadEnd" }], [{ act: "write", n: 5 }]],
  [[{ act: "writeMuch" }], [{ act: "close" }], [{ act: "drain" }], [{ act: "look" }]],
  [[{ act: "writeMuch" }], [{ act: "close" }], [{ act: "peerClose" }]],
  [[{ act: "writelinesMuch" }], [{ act: "drain" }], [{ act: "look" }]],
  [[{ act: "write", n: 5 }, { act: "abort" }]],
  [[{ act: "close" }], [{ act: "writelines", sizes: [5] }]],
  [[{ act: "write", n: 3 }], [{ act: "peerWrite", n: 5 }], [{ act: "peerClose" }], [{ act: "read", n: 4 }]],
  [[{ act: "writeEof" }], [{ act: "peerShutdown" }], [{ act: "isClosing" }]],
  [[{ act: "waitClosed" }], [{ act: "cancel", n: 0 }], [{ act: "waitClosed" }]],
];

const beginning = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.constantFrom(...BEGINNINGS) },
);

export const writerScripts: fc.Arbitrary<Script> = fc
  .tuple(
    fc.constantFrom("unix", "unix", "tcp"),
    fc.constantFrom(1, 20, 500, 65_536, 65_536),
    beginning,
    fc.array(tick, { minLength: 1, maxLength: LONGEST, size: "max" }),
  )
  .map(([socket, limit, first, ticks]) => plan(socket, limit, [...first, ...ticks]));
