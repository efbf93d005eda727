/** TLS connections at random: openings, what both ends do, and endings. */
import * as fc from "fast-check";
import { plan, type Action } from "./plan.js";
import type { Script } from "./script.js";

const size = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(1, 16_383, 16_384, 16_385));

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom("write", "peerWrite", "peerRead", "read", "readExactly"), size)
      .map(([act, n]) => ({ act, n })),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("drain", "isClosing", "writeEof", "canWriteEof", "limits", "waitClosed", "writeMuch")
      .map((act) => ({ act })),
  },
);

export const tlsScripts: fc.Arbitrary<Script> = fc
  .record({
    side: fc.constantFrom("client", "server"),
    way: fc.constantFrom("startTls", "openTls"),
    version: fc.constantFrom("TLSv1.3", "TLSv1.2"),
    truncation: fc.constantFrom("ignore", "report"),
    opening: fc.oneof(
      { weight: 3, arbitrary: fc.constant("right" as const) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          "wrongName",
          "untrusted",
          "missing",
          "garbage",
          "end",
          "reset",
          "silence",
          "early",
        ),
      },
    ),
    isMutual: fc.boolean(),
    before: fc.constantFrom(0, 0, 7, 300),
    actions: fc.oneof(
      { weight: 12, arbitrary: fc.array(action, { maxLength: 8 }) },
      { weight: 1, arbitrary: fc.constant([{ act: "writeMuch" }, { act: "drain" }] satisfies Action[]) },
    ),
    ending: fc.constantFrom(
      "notify",
      "truncate",
      "reset",
      "abort",
      "close",
      "closeTruncated",
      "closeUnanswered",
      "closeWhileSent",
    ),
  })
  .map(plan);
