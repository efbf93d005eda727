/** A connection of this library under test: operations by name, and what a trace shows of them, as in connection.py. */
import {
  IncompleteReadError,
  OSError,
  TlsError,
  type Connection,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { nextTurn } from "../../support/turns.js";
import type { OwnOperation, WrongValue } from "../writer/script.js";
import type { Command } from "./peers.js";

/** How long what must come is waited for, in ms. */
const LONGEST_WAIT = 20_000;
const PERIOD = 251;
const PATTERN = new Uint8Array(8 * 1024 * 1024 + PERIOD).map((_, index) => index % PERIOD);

const WRONG: Readonly<Record<WrongValue, unknown>> = {
  none: null,
  number: 5,
  numbers: [1],
  bytes: new Uint8Array(2),
};

/** What stands at `offset` of a direction. */
function piece(offset: number, size: number): Uint8Array {
  const start = offset % PERIOD;
  return PATTERN.subarray(start, start + size);
}

/** Something that waits, and what has come of it. */
interface Handle {
  outcome: unknown;
  readonly settled: Promise<void>;
  readonly abort: AbortController;
}

/** Errors of the system and of TLS by their code: Python words them differently. */
function describe(error: unknown): unknown[] {
  if (!(error instanceof Error)) return ["no error", String(error)];
  if (error instanceof IncompleteReadError) return [error.name, error.partial.length, error.expected ?? null];
  if (error instanceof TlsError) return [error.name, error.code];
  if (error instanceof OSError && error.errno !== undefined) return [error.name, error.code];
  return [error.name, error.message];
}

export class OurConnection {
  #reader!: StreamReader;
  #writer!: StreamWriter;
  readonly #handles = new Map<number, Handle>();
  #written = 0;
  #consumed = 0;
  #isLost = false;

  /** To be called before all other operations. */
  made({ reader, writer }: Connection): void {
    this.#reader = reader;
    this.#writer = writer;
    const lost = () => {
      this.#isLost = true;
    };
    writer.waitClosed().then(lost, lost);
  }

  get writer(): StreamWriter {
    return this.#writer;
  }

  /** What the trace shows of the step; a promise if it waits. */
  do(step: OwnOperation): unknown {
    switch (step.op) {
      case "write":
        this.#writer.write(piece(this.#written, step.n));
        this.#written += step.n;
        return null;
      case "writelines":
        return this.#writeLines(step.sizes);
      case "writeWrong":
        return this.#writer.write(WRONG[step.value] as Uint8Array) ?? null;
      case "writelinesWrong":
        return this.#writer.writeLines(WRONG[step.value] as Uint8Array[]) ?? null;
      case "writeEof":
        return this.#writer.writeEof() ?? null;
      case "canWriteEof":
        return this.#writer.canWriteEof();
      case "close":
        return this.#writer.close() ?? null;
      case "abort":
        return this.#writer.transport.abort() ?? null;
      case "isClosing":
        return this.#writer.isClosing();
      case "setLimits":
        return this.#writer.transport.setWriteBufferLimits({ high: step.high, low: step.low }) ?? null;
      case "limits":
        return this.#writer.transport.getWriteBufferLimits();
      case "drain":
        return this.start(step.handle, (signal) => this.#writer.drain({ signal }));
      case "waitClosed":
        return this.start(step.handle, (signal) => this.#writer.waitClosed({ signal }));
      case "read":
        return this.start(step.handle, (signal) => this.#read(this.#reader.read(step.n, { signal })));
      case "readExactly":
        return this.start(step.handle, (signal) => this.#read(this.#reader.readExactly(step.n, { signal })));
      case "readLine":
        return this.start(step.handle, (signal) => this.#read(this.#reader.readLine({ signal })));
      case "look":
        return this.#handles.get(step.handle)!.outcome;
      case "join":
        return this.#join(this.#handles.get(step.handle)!);
      case "cancel":
        return this.#cancel(this.#handles.get(step.handle)!);
      case "atEof":
        return this.#reader.atEof();
      case "exception": {
        const error = this.#reader.exception();
        return error === undefined ? null : ["error", ...describe(error)];
      }
      case "turn":
        return turn();
      case "untilReceived":
        return until(() => this.#consumed + this.#reader.bufferedBytes >= step.n);
      case "untilPaused":
        return until(() => !this.#writer.transport.isReading());
      case "untilEof":
        return until(() => / eof\b/.test(String(this.#reader)));
      case "untilLost":
      case "untilReleased":
        return until(() => this.#isLost);
    }
  }

  /** Ends what still waits. */
  dispose(): void {
    for (const { abort } of this.#handles.values()) abort.abort();
    this.#writer?.transport.abort();
  }

  #writeLines(sizes: readonly number[]): null {
    let end = this.#written;
    const pieces = sizes.map((size) => {
      end += size;
      return piece(end - size, size);
    });
    this.#writer.writeLines(pieces);
    this.#written = end;
    return null;
  }

  async #read(reading: Promise<Buffer>): Promise<unknown> {
    try {
      const data = await reading;
      const right = data.equals(piece(this.#consumed, data.length));
      this.#consumed += data.length;
      return [data.length, right];
    } catch (error) {
      if (error instanceof IncompleteReadError) this.#consumed += error.partial.length;
      throw error;
    }
  }

  /** Begins what waits; `key` is its handle. */
  start(key: number, begin: (signal: AbortSignal) => Promise<unknown>): null {
    const abort = new AbortController();
    const handle: { outcome: unknown } = { outcome: "pending" };
    const settled = begin(abort.signal).then(
      (value) => void (handle.outcome = ["ok", value ?? null]),
      (error: unknown) => {
        handle.outcome = error === abort.signal.reason ? "aborted" : ["error", ...describe(error)];
      },
    );
    this.#handles.set(key, Object.assign(handle, { settled, abort }));
    return null;
  }

  async #join(handle: Handle): Promise<unknown> {
    await until(() => handle.outcome !== "pending");
    return handle.outcome;
  }

  async #cancel(handle: Handle): Promise<unknown> {
    handle.abort.abort();
    await turn();
    return handle.outcome;
  }
}

async function turn(): Promise<null> {
  for (let count = 0; count < 4; count++) await nextTurn();
  return null;
}

async function until(condition: () => boolean): Promise<string> {
  const end = performance.now() + LONGEST_WAIT;
  for (let rounds = 0; !condition(); rounds++) {
    if (performance.now() > end) return "never";
    if (rounds < 100) await nextTurn();
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return "ok";
}

/** What the peer does. */
type OfPeer = { readonly op: `peer${string}` };

/** What came of each step. */
export async function carryOut<Step extends { readonly op: string }>(
  steps: readonly Step[],
  connection: { do(step: Exclude<Step, OfPeer>): unknown; dispose(): void },
  tell: (command: Command) => Promise<unknown>,
): Promise<unknown[]> {
  const trace: unknown[] = [];
  for (const step of steps) {
    try {
      const isPeers = step.op.startsWith("peer");
      const result = isPeers ? tell(step) : connection.do(step as Exclude<Step, OfPeer>);
      trace.push(result instanceof Promise ? await result : result);
    } catch (error) {
      trace.push(["error", ...describe(error)]);
    }
  }
  connection.dispose();
  return trace;
}
