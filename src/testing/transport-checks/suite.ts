/** What the groups of checks on a transport are written with. */
import assert from "node:assert/strict";
import { onNextTurn } from "../../backends/node/next-turn.js";
import type { StartableTransport } from "../../transport/transport.js";
import { RecordingProtocol } from "../recording-protocol.js";

/** Two transports that are connected with each other, and not started. */
export interface TransportPair {
  /** The one that is tested. */
  readonly near: StartableTransport;
  readonly far: StartableTransport;
  /** Ends the connection from the far side with an RST, where there is such a thing. */
  readonly reset?: (() => void) | undefined;
}

/** What a transport promises beyond what all do. */
export interface TransportFeatures {
  /** Whether one direction can be ended alone; if not, the peer's end is ours too. Default true. */
  readonly halfClose: boolean;
  /** Whether pairs have a `reset`. Default: whether the first one has. */
  readonly resets: boolean;
  /** Whether a reset that comes together with data may pass for the end of the stream. Default false. */
  readonly mistakesReset: boolean;
  /** Whether the peer's `abort()` is a loss here, and not an end. Default false. */
  readonly tellsAbort: boolean;
  /** The marks of the write buffer from the start, in bytes: low, high. Default 16 384, 65 536. */
  readonly writeBufferLimits: readonly [low: number, high: number];
}

/** A started transport and the protocol that notes what it tells. */
export interface End {
  readonly transport: StartableTransport;
  readonly protocol: RecordingProtocol;
}

/** Where a check gets its pairs from. */
export interface Pairs {
  make(): Promise<TransportPair>;
  start(): Promise<{ readonly near: End; readonly far: End; readonly reset: () => void }>;
  /** To be done at the end of the check. */
  undo(action: () => unknown): void;
}

/** Adds a check to a suite; its name is the obligation. */
export type Check = (name: string, run: (pairs: Pairs) => Promise<void>) => void;

/** As many as an aborted connection takes to end; one that never does is not waited for. */
const TURNS_TO_END = 100;

export const MEBIBYTE = 1_048_576;
/** More than the buffers between two ends hold. */
export const TOO_MUCH: number = 32 * MEBIBYTE;

export function pairsOf(make: () => Promise<TransportPair>, undo: Pairs["undo"]): Pairs {
  return {
    make,
    undo,
    async start() {
      const pair = await make();
      const [near, far] = [pair.near, pair.far].map((transport): End => {
        const protocol = new RecordingProtocol();
        transport.start(protocol);
        undo(async () => {
          transport.abort();
          await Promise.race([protocol.lost(), turns(TURNS_TO_END)]);
        });
        return { transport, protocol };
      }) as [End, End];
      return { near, far, reset: () => pair.reset!() };
    },
  };
}

/** Lets the event loop turn `count` times, and ask the system each time. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>(onNextTurn);
}

/** `size` bytes in which a missing, doubled or moved stretch shows. The same for the same `seed`. */
export function patternBytes(size: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0, word = seed; index < words.length; index++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = word ^ index;
  }
  return Buffer.from(words.buffer, 0, size);
}

export function assertSameBytes(actual: Buffer, expected: Uint8Array): void {
  if (actual.equals(expected)) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  const where = at < 0 ? Math.min(actual.length, expected.length) : at;
  assert.fail(
    `${actual.length} bytes came where ${expected.length} were sent; they differ from byte ${where} on`,
  );
}

/** A loss must be told once, and last. `codes`: those that its error may have; `""` for none. */
export async function assertLost({ protocol, transport }: End, codes: readonly string[]): Promise<void> {
  await protocol.lost();
  await turns(3);
  assert.equal(protocol.told.filter((name) => name.startsWith("lost")).length, 1);
  assert.ok(codes.includes(protocol.told.at(-1)!.slice(5)), `told: ${protocol.told.join(", ")}`);
  assert.equal(transport.isClosing(), true);
}

export const RESET: readonly string[] = ["ECONNRESET"];
/** A write may meet the peer's end first. */
export const RESET_OR_PIPE: readonly string[] = ["ECONNRESET", "EPIPE"];

/** Ends a direction the way that there is. */
export function endWriting({ transport }: End): void {
  if (transport.canWriteEof()) transport.writeEof();
  else transport.close();
}

/** Writes in pieces, and waits whenever writing is paused. */
export async function sendSteadily({ transport, protocol }: End, bytes: Buffer): Promise<void> {
  const size = 50_000;
  for (let start = 0; start < bytes.length; start += size) {
    transport.write(bytes.subarray(start, start + size));
    await protocol.until(() => !protocol.isWritingPaused);
  }
}
