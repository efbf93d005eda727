import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamReader } from "asyncio-streams";
import * as fc from "fast-check";
import { RecordingTransport } from "../support/recording-transport.js";
import { turns } from "../support/turns.js";

/** The same cases at each run; a failure prints the seed and the smallest case. */
const SEED = 1_970;

/** What happens, one after the other. A chunk comes only while the transport is not paused, as from a socket. */
type Step =
  | { readonly does: "come"; readonly size: number }
  | { readonly does: "read" | "readExactly" | "peekExactly"; readonly size: number }
  | { readonly does: "readLine" | "readUntil" | "tryReadLine" | "abort" | "end" };

const sizes = fc.integer({ min: 0, max: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant("come" as const), size: sizes }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constantFrom("read", "readExactly", "peekExactly"), size: sizes }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constantFrom("readLine", "readUntil", "tryReadLine", "abort") }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ does: "read", size: -1 }, { does: "end" }) },
);

/** A reader over a transport that keeps to what it is told, and the most that the reader may hold. */
class Fed {
  readonly transport = new RecordingTransport();
  readonly reader: StreamReader;
  readonly #limit: number;
  #largestChunk = 0;
  /** Collected by a read that was aborted, or for a peek, and not read since. */
  #collected = 0;
  #abort: AbortController | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #hasEnded = false;

  constructor(limit: number) {
    this.#limit = limit;
    this.reader = new StreamReader({ limit });
    this.reader.setTransport(this.transport);
  }

  get isReadPending(): boolean {
    return this.#abort !== undefined;
  }

  async take(step: Step): Promise<void> {
    if (step.does === "come") this.#come(step.size);
    else if (step.does === "end") this.#end();
    else if (step.does === "abort") this.#abort?.abort();
    else if (step.does === "tryReadLine") {
      if (!this.isReadPending) this.#settle(async () => this.reader.tryReadLine());
    } else if (!this.isReadPending) {
      this.#settle((options) => this.#read(step, options));
    }
    await turns(1);
  }

  assertHolds(): void {
    // At the end there is nothing left to pause.
    const isPaused = this.transport.isPaused && !this.#hasEnded;
    assert.ok(!(isPaused && this.isReadPending), "paused while a read waits");
    assert.ok(!(isPaused && this.reader.bufferedBytes === 0), "paused with nothing to read");
    if (this.isReadPending) return;
    const most = Math.max(2 * this.#limit, this.#collected) + this.#largestChunk;
    assert.ok(this.reader.bufferedBytes <= most, `holds ${this.reader.bufferedBytes}, may hold ${most}`);
    this.#collected = Math.min(this.#collected, this.reader.bufferedBytes);
  }

  async stop(): Promise<void> {
    this.#abort?.abort();
    await this.#reading;
  }

  #come(size: number): void {
    if (this.transport.isPaused || this.#hasEnded) return;
    this.reader.feedData(Buffer.alloc(size, "ab\n"));
    this.#largestChunk = Math.max(this.#largestChunk, size);
  }

  #end(): void {
    this.#hasEnded = true;
    this.reader.feedEof();
  }

  #read(step: Step, options: { signal: AbortSignal }): Promise<unknown> {
    if (step.does === "readLine") return this.reader.readLine(options);
    if (step.does === "readUntil") return this.reader.readUntil("b\na", options);
    const { does, size } = step as { does: "read" | "readExactly" | "peekExactly"; size: number };
    if (does === "peekExactly") this.#collected = Math.max(this.#collected, size);
    return this.reader[does](size, options);
  }

  #settle(start: (options: { signal: AbortSignal }) => Promise<unknown>): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#reading = start({ signal: abort.signal })
      .catch(() => {
        // What a read could not do is of no interest here; what it has collected may stay.
        if (abort.signal.aborted) this.#collected = this.reader.bufferedBytes;
      })
      .finally(() => {
        this.#abort = undefined;
      });
  }
}

describe("StreamReader's flow control", () => {
  const cases = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 40 }));

  it("never pauses while a read waits or nothing is buffered, and holds twice the limit and a chunk at most, but for what an aborted read or a peek has collected", async () => {
    let pauses = 0;
    const property = fc.asyncProperty(cases, async ([limit, steps]) => {
      const fed = new Fed(limit);
      for (const next of steps) {
        await fed.take(next);
        fed.assertHolds();
      }
      await fed.stop();
      pauses += fed.transport.calls.length;
    });
    await fc.assert(property, { seed: SEED, numRuns: 1_000 });
    assert.ok(pauses > 1_000, `there were ${pauses} pauses and resumptions`);
  });
});
