import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Connection, WaitOptions } from "asyncio-streams";
import { VirtualClock } from "asyncio-streams/testing";
import * as fc from "fast-check";
import { connectedInMemory } from "../support/connections.js";
import {
  ConnectionModel,
  HIGH_MARK,
  KERNEL,
  LOW_MARK,
  type ConnectionCalls,
} from "./model/connection-model.js";

/** The same cases at each run; a failure prints the seed and the smallest case. */
const SEED = 1_970;

/** In ms of the virtual clock, in which nothing else takes time. */
const LIMIT = 1_000;

/** A connection in memory whose peer reads unless it is told not to. */
class RealConnection implements ConnectionCalls<Promise<string>> {
  readonly clock = new VirtualClock();
  readonly near: Connection;
  readonly #far: Connection;
  readonly #reset: () => void;
  readonly #received: Buffer[] = [];
  #hasPeerEnded = false;
  #accepted = 0;

  constructor() {
    const { near, far, reset } = connectedInMemory(1 << 30, { clock: this.clock });
    this.near = near;
    this.#far = far;
    this.#reset = reset;
    void this.#receive();
  }

  /** How many bytes were taken to be sent, and the peer has. */
  get sent(): { readonly accepted: number; readonly received: Buffer } {
    return { accepted: this.#accepted, received: Buffer.concat(this.#received) };
  }

  read = (size: number): Promise<string> => this.#bytes((bounds) => this.near.reader.read(size, bounds));
  readExactly = (size: number): Promise<string> =>
    this.#bytes((bounds) => this.near.reader.readExactly(size, bounds));
  readLine = (): Promise<string> => this.#bytes((bounds) => this.near.reader.readLine(bounds));
  drain = (): Promise<string> => this.#wait((bounds) => this.near.writer.drain(bounds));
  flush = (): Promise<string> => this.#wait((bounds) => this.near.writer.flush(bounds));
  waitClosed = (): Promise<string> => this.#wait((bounds) => this.near.writer.waitClosed(bounds));
  writeEof = (): Promise<string> => this.#happens(() => this.near.writer.writeEof());
  close = (): Promise<string> => this.#happens(() => this.near.writer.close());
  abort = (): Promise<string> => this.#happens(() => this.near.writer.transport.abort());
  reset = (): Promise<string> => this.#happens(() => this.near.writer.transport.reset());
  peerWrites = (text: string): Promise<string> =>
    this.#happens(() => {
      if (!this.#hasPeerEnded) this.#far.writer.write(text);
    });
  peerResets = (): Promise<string> => this.#happens(this.#reset);
  peerStopsReading = (): Promise<string> => this.#happens(() => this.#far.writer.transport.pauseReading());
  peerReadsOn = (): Promise<string> => this.#happens(() => this.#far.writer.transport.resumeReading());

  write(size: number): Promise<string> {
    return this.#happens(() => {
      const isClosing = this.near.writer.isClosing();
      this.near.writer.write(Buffer.alloc(size, this.#accepted % 251));
      if (!isClosing) this.#accepted += size;
    });
  }

  peerEnds(): Promise<string> {
    this.#hasPeerEnded = true;
    return this.#happens(() => this.#far.writer.writeEof());
  }

  async #receive(): Promise<void> {
    try {
      for await (const chunk of this.#far.reader.chunks()) this.#received.push(chunk);
    } catch {
      // A reset; what had come is there.
    }
  }

  async #happens(action: () => void): Promise<string> {
    try {
      action();
    } catch (error) {
      return (error as Error).name;
    }
    await this.clock.advance(0);
    return "";
  }

  #bytes(start: (bounds: WaitOptions) => Promise<Buffer>): Promise<string> {
    return this.#wait(start);
  }

  /** The limit of time is over when it says that a call waits. */
  async #wait(start: (bounds: WaitOptions) => Promise<Buffer | void>): Promise<string> {
    const outcome = start({ timeout: LIMIT }).then(
      (result) => result?.toString() ?? "",
      (error: Error & { readonly partial?: Buffer }) => {
        if (error.name === "TimeoutError") return "waits";
        return error.partial === undefined ? error.name : `${error.name} ${error.partial.toString()}`;
      },
    );
    await this.clock.advance(LIMIT);
    return outcome;
  }
}

type Name = keyof ConnectionCalls<unknown>;

/** One call, made on the model and on the real connection. */
class Call implements fc.AsyncCommand<ConnectionModel, RealConnection> {
  readonly #name: Name;
  readonly #argument: unknown;

  constructor(name: Name, argument?: unknown) {
    this.#name = name;
    this.#argument = argument;
  }

  check(): boolean {
    return true;
  }

  async run(model: ConnectionModel, real: RealConnection): Promise<void> {
    const expected = (model[this.#name] as (argument: unknown) => string)(this.#argument);
    const actual = await (real[this.#name] as (argument: unknown) => Promise<string>)(this.#argument);
    assert.equal(actual, expected);
    assert.equal(real.near.writer.isClosing(), model.isClosing, "isClosing()");
    assert.equal(real.clock.pending, 0, "a timer is left");
  }

  toString(): string {
    return `${this.#name}(${this.#argument === undefined ? "" : JSON.stringify(this.#argument)})`;
  }
}

function call(name: Name): fc.Arbitrary<Call> {
  return fc.constant(new Call(name));
}

const sizes = fc.integer({ min: 0, max: 6 });

/** At the borders of what makes `flush()` wait, and `drain()`. */
const writes = fc.constantFrom(
  0,
  1,
  100,
  KERNEL,
  KERNEL + 1,
  KERNEL + LOW_MARK,
  KERNEL + LOW_MARK + 1,
  HIGH_MARK - LOW_MARK,
);

const WAITS = ["drain", "flush", "waitClosed"] as const;
const ENDS = ["writeEof", "close", "abort", "reset", "peerEnds", "peerResets"] as const;

/** Calls that end something come less often: most of a run is between them. */
const calls: fc.Arbitrary<Call>[] = [
  fc
    .constantFrom("read" as const, "readExactly" as const)
    .chain((name) => sizes.map((size) => new Call(name, size))),
  call("readLine"),
  writes.map((size) => new Call("write", size)),
  writes.map((size) => new Call("write", size)),
  fc.constantFrom("a", "ab\n", "\n\n", "abcdef").map((text) => new Call("peerWrites", text)),
  call("peerStopsReading"),
  call("peerReadsOn"),
  ...WAITS.map(call),
  fc.constantFrom(...ENDS).chain(call),
];

describe("A connection", () => {
  it("does in every state what the model does, whatever is called, within the limits of time", async () => {
    const property = fc.asyncProperty(fc.commands(calls, { maxCommands: 40 }), async (commands) => {
      const model = new ConnectionModel();
      const real = new RealConnection();
      await fc.asyncModelRun(() => ({ model, real }), commands);
      await real.peerReadsOn();
      const { accepted, received } = real.sent;
      assert.ok(received.length <= accepted);
      if (!model.hasDropped) assert.equal(received.length, accepted);
    });
    await fc.assert(property, { seed: SEED, numRuns: 400 });
  });
});
