import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectionError, relay, type Connection } from "asyncio-streams";
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

/** Two connections to relay between, their outer ends, and what these have sent. */
class Relayed {
  readonly near: readonly [Connection, Connection];
  readonly ends: readonly [Connection, Connection];
  readonly #sent: [Buffer[], Buffer[]] = [[], []];
  readonly #hasEnded = [false, false];

  constructor({ limit }: Case) {
    const [left, right] = [connectedInMemory(limit), connectedInMemory(limit)];
    this.near = [left.near, right.near];
    this.ends = [left.far, right.far];
  }

  /** Whether both have ended their direction: then the relay may have ended by itself. */
  get hasEnded(): boolean {
    return this.#hasEnded[0]! && this.#hasEnded[1]!;
  }

  sentBy(which: 0 | 1): Buffer {
    return Buffer.concat(this.#sent[which]);
  }

  async take(step: Step): Promise<void> {
    const { writer } = this.ends[step.who];
    if (step.does === "stop reading") writer.transport.pauseReading();
    if (step.does === "go on reading") writer.transport.resumeReading();
    for (let turn = 0; step.does === "nothing" && turn < step.turns; turn++) await nextTurn();
    if (step.does === "write" && !this.#hasEnded[step.who]) {
      const bytes = patternBytes(step.size, this.#sent[step.who].length + step.who * 1_000);
      this.#sent[step.who].push(bytes);
      writer.write(bytes);
    }
    if (step.does === "end") this.end(step.who);
  }

  end(which: 0 | 1): void {
    this.ends[which].writer.writeEof();
    this.#hasEnded[which] = true;
  }

  /** What both outer ends get until the end, or a reset. */
  received(): Promise<[Buffer, Buffer]> {
    return Promise.all(this.ends.map(allOf)) as Promise<[Buffer, Buffer]>;
  }
}

async function allOf({ reader, writer }: Connection): Promise<Buffer> {
  const chunks: Buffer[] = [];
  writer.transport.resumeReading();
  try {
    for await (const chunk of reader.chunks()) chunks.push(chunk);
  } catch (error) {
    assert.ok(error instanceof ConnectionError);
  }
  return Buffer.concat(chunks);
}

async function begin(relayed: Relayed, { high, early, steps }: Case): Promise<void> {
  for (const step of steps.slice(0, early)) await relayed.take(step);
  for (const { writer } of relayed.near) writer.transport.setWriteBufferLimits({ high });
}

async function run(one: Case): Promise<void> {
  const relayed = new Relayed(one);
  await begin(relayed, one);
  const result = relay(...relayed.near);
  for (const step of one.steps.slice(one.early)) await relayed.take(step);
  relayed.end(0);
  relayed.end(1);
  const [byClient, byServer] = await relayed.received();
  assert.ok(byServer.equals(relayed.sentBy(0)), "what the server has got");
  assert.ok(byClient.equals(relayed.sentBy(1)), "what the client has got");
  assert.deepEqual(await result, { aToB: byServer.length, bToA: byClient.length });
}

async function runAborted(one: Case): Promise<void> {
  const relayed = new Relayed(one);
  await begin(relayed, one);
  const controller = new AbortController();
  const result = relay(...relayed.near, { signal: controller.signal }).catch((reason: unknown) => reason);
  for (const step of one.steps.slice(one.early)) await relayed.take(step);
  controller.abort("enough");
  const outcome = await result;
  assert.ok(outcome === "enough" || relayed.hasEnded, String(outcome));
  for (const { writer } of relayed.near) assert.equal(writer.isClosing(), true);
  const [byClient, byServer] = await relayed.received();
  assert.ok(relayed.sentBy(0).subarray(0, byServer.length).equals(byServer), "what the server has got");
  assert.ok(relayed.sentBy(1).subarray(0, byClient.length).equals(byClient), "what the client has got");
}

describe("relay()", () => {
  it("any cut into chunks, any pace and any order of ends gives the same bytes", async () => {
    await fc.assert(fc.asyncProperty(cases, run), { seed: SEED, numRuns: 150 });
  });

  it("aborted at any moment it has passed on nothing but the first of the bytes, and both connections end", async () => {
    await fc.assert(fc.asyncProperty(cases, runAborted), { seed: SEED, numRuns: 150 });
  });
});
