/** What one connection of a relay receives, on its way to the other one. */
import { takeChunk } from "../bytes/read-rules.js";
import { ConnectionResetError } from "../errors.js";
import { Bounds } from "../waiting/bounds.js";
import type { Intake } from "./intake.js";
import type { ReceiveBuffer } from "./receive-buffer.js";
import { StreamWriter } from "./stream-writer.js";

/** Why a wait of a direction has ended that has nothing more to do. */
export const STOPPED: unique symbol = Symbol("stopped");

/** A connection as the relay has it. */
export interface RelayEnd {
  readonly buffer: ReceiveBuffer;
  readonly writer: StreamWriter;
}

/** In bytes. Less is copied as quickly. */
const WORTH_KEEPING = 16_384;

/** Passes on what is offered as it is, where that can be; gives how many bytes it were. */
class PassingIntake implements Intake<number> {
  readonly #from: StreamWriter;
  readonly #to: StreamWriter;
  result: number | undefined;

  constructor(from: StreamWriter, to: StreamWriter) {
    this.#from = from;
    this.#to = to;
  }

  fill(bytes: Uint8Array, keep?: () => void): number {
    const { length } = bytes;
    if (keep === undefined) {
      if (length >= WORTH_KEEPING) StreamWriter.offerToKeep(this.#from);
      return 0;
    }
    if (!StreamWriter.writeThrough(this.#to, bytes, keep)) return 0;
    return (this.result = length);
  }
}

export class RelayDirection {
  readonly name: "aToB" | "bToA";
  readonly from: RelayEnd;
  readonly to: RelayEnd;
  /** In bytes. */
  passed = 0;
  isOver = false;
  readonly #stop = new AbortController();
  readonly #bounds: Bounds;

  constructor(name: "aToB" | "bToA", from: RelayEnd, to: RelayEnd) {
    this.name = name;
    this.from = from;
    this.to = to;
    this.#bounds = new Bounds("relay", { signal: this.#stop.signal }, from.buffer.clock);
  }

  /** Nothing that comes from now on is passed on. */
  stop(): void {
    this.#stop.abort(STOPPED);
  }

  /** Passes on what arrived together, as soon as there is room for it, or the end. Returns how many bytes it were. */
  async passChunk(): Promise<number> {
    const { buffer } = this.from;
    const { writer } = this.to;
    const chunk = await buffer.take<Buffer | number>(
      () => this.#take(),
      this.#bounds,
      () => new PassingIntake(this.from.writer, writer),
    );
    if (typeof chunk === "number") {
      this.passed += chunk;
      return chunk;
    }
    if (chunk.length === 0) {
      if (writer.canWriteEof()) writer.writeEof();
      else writer.close();
      return 0;
    }
    await writer.drain();
    if (this.#stop.signal.aborted || writer.isClosing()) throw new ConnectionResetError("Connection lost");
    writer.write(chunk);
    this.passed += chunk.length;
    return chunk.length;
  }

  #take(): Buffer<ArrayBuffer> | undefined {
    const { buffer } = this.from;
    const chunk = takeChunk(buffer.queue, buffer.isEnded);
    if (chunk !== undefined) buffer.resumeIfFree();
    return chunk;
  }
}
