import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { relay } from "asyncio-streams";
import * as fc from "fast-check";
import { patternBytes } from "../support/bytes.js";
import { connectedInMemory } from "../support/connections.js";
import { nextTurn } from "../support/turns.js";

/** The same cases at each run; a failure prints the seed and the smallest case. */
const SEED = 1_970;

/** What an outer end does: 0 is the client, 1 the server. */
type Step = { readonly who: 0 | 1 } & (
  | { readonly does: "write"; readonly size: number }
  | { readonly does: "end" }
  | { readonly does: "stop reading" }
  | { readonly does: "go on reading" }
  | { readonly does: "nothing"; readonly turns: number }
);

const who = fc.constantFrom<0 | 1>(0, 1);
const write = fc.record({
  who,
  does: fc.constant("write" as const),
  size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 150_000 })),
});
const other: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ who, does: fc.constant("end" as const) }),
  fc.record({ who, does: fc.constant("stop reading" as const) }),
  fc.record({ who, does: fc.constant("go on reading" as const) }),
  fc.record({ who, does: fc.constant("nothing" as const), turns: fc.integer({ min: 1, max: 3 }) }),
);

interface Case {
  /** Of the readers of the relay. */
  readonly limit: number;
  /** High mark of its writers. */
  readonly high: number;
  /** How many of the steps come before it. */
  readonly early: number;
  readonly steps: readonly Step[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  limit: fc.constantFrom(1, 100, 65_536),
  high: fc.constantFrom(0, 100, 65_536),
  early: fc.integer({ min: 0, max: 4 }),
  steps: fc.array(fc.oneof(write, write, other), { maxLength: 24 }),
});

async function run({ limit, high, early, steps }: Case): Promise<void> {
  const [left, right] = [connectedInMemory(limit), connectedInMemory(limit)];
  const ends = [left.far, right.far] as const;
  const sent: Buffer[][] = [[], []];
  const hasEnded = [false, false];
  const take = async (step: Step) => {
    const { writer } = ends[step.who];
    if (step.does === "stop reading") writer.transport.pauseReading();
    if (step.does === "go on reading") writer.transport.resumeReading();
    for (let turn = 0; step.does === "nothing" && turn < step.turns; turn++) await nextTurn();
    if (step.does === "write" && !hasEnded[step.who]) {
      const bytes = patternBytes(step.size, sent[step.who]!.length + step.who * 1_000);
      sent[step.who]!.push(bytes);
      writer.write(bytes);
    }
    if (step.does === "end") end(step.who);
  };
  const end = (which: 0 | 1) => {
    ends[which].writer.writeEof();
    hasEnded[which] = true;
  };
  for (const step of steps.slice(0, early)) await take(step);
  for (const { writer } of [left.near, right.near]) writer.transport.setWriteBufferLimits({ high });
  const result = relay(left.near, right.near);
  for (const step of steps.slice(early)) await take(step);
  end(0);
  end(1);
  const received = await Promise.all(
    ends.map(({ reader, writer }) => {
      writer.transport.resumeReading();
      return reader.read();
    }),
  );
  const [up, down] = sent.map((pieces) => Buffer.concat(pieces)) as [Buffer, Buffer];
  assert.ok(received[1]!.equals(up), "what the server has got");
  assert.ok(received[0]!.equals(down), "what the client has got");
  assert.deepEqual(await result, { aToB: up.length, bToA: down.length });
}

describe("relay()", () => {
  it("any cut into chunks, any pace and any order of ends gives the same bytes", async () => {
    await fc.assert(fc.asyncProperty(cases, run), { seed: SEED, numRuns: 150 });
  });
});
