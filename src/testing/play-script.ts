/** Plays a script on one end of a connection. */
import { checkOptions, checkTimeout } from "../checks.js";
import { ConnectionResetError, toError } from "../errors.js";
import type { Connection } from "../streams/connection.js";
import { systemClock, type Clock } from "../waiting/clock.js";
import { deadlineOn } from "../waiting/deadline.js";
import { BytesPattern, type Match } from "./bytes-pattern.js";
import { ScriptError } from "./errors.js";
import { checkScript, type CheckedStep, type ScriptStep } from "./script.js";
import { report, showExcess, showMismatch } from "./script-report.js";

/** What `playScript()` takes besides connection and script. */
export interface PlayScriptOptions {
  /**
   * How long each step may wait, in ms; `Infinity` for no limit. Default 2 000, so that the script fails, and says why,
   * before a test framework gives the test up.
   */
  readonly timeout?: number | undefined;
  /** What `timeout` and `{ wait }` go by. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** What is played on. */
export type ScriptedEnd = Pick<Connection, "reader" | "writer">;

type Bytes = Buffer<ArrayBuffer>;

/** Why no more comes. */
interface Stop {
  readonly kind: "end" | "timeout" | "loss";
  readonly text: string;
  readonly cause?: unknown;
}

interface Stopped extends Stop {
  readonly received: Bytes;
}

const NOTHING: Bytes = Buffer.alloc(0);

/** Scripts that end with one of these leave nothing open. */
const ENDS: readonly (string | undefined)[] = ["close", "reset", "leave open"];

const DEFAULT_TIMEOUT = 2_000;

/** As many bytes a read takes. */
const READ_SIZE = 65_536;

/** Taken when the kit is loaded: fake timers of a test framework do not stop it. */
const { setImmediate } = globalThis;

/**
 * Plays `script` on an end of a connection, such as the one that a server's callback has:
 *
 * ```ts
 * const server = await startServer(
 *   (reader, writer) => playScript({ reader, writer }, [{ send: "220 hi\r\n" }, { expect: "QUIT\r\n" }, "close"]),
 *   "127.0.0.1",
 *   0,
 * );
 * ```
 *
 * Resolves when the script is through. If it does not end the connection itself, it is through when the other end has
 * ended its direction, without another byte; then the connection is closed.
 *
 * @throws ScriptError when the other end sends something else or too much, ends or resets the connection before, or is
 *   silent or does not read for as long as a step may wait; the connection was reset then
 * @throws TypeError or RangeError for a wrong script or wrong options
 */
export async function playScript(
  { reader, writer }: ScriptedEnd,
  script: readonly ScriptStep[],
  options?: PlayScriptOptions,
): Promise<void> {
  const player = new ScriptPlayer({ reader, writer }, checkScript(script), checkPlayOptions(options), () =>
    writer.transport.reset(),
  );
  await player.run();
}

/** @throws TypeError or RangeError */
export function checkPlayOptions(options: unknown): Required<PlayScriptOptions> {
  const { timeout, clock } = checkOptions<PlayScriptOptions>("playScript()", options, ["timeout", "clock"]);
  return {
    timeout: timeout === Infinity ? Infinity : checkTimeout("timeout", timeout ?? DEFAULT_TIMEOUT),
    clock: clock ?? systemClock,
  };
}

export class ScriptPlayer {
  readonly #end: ScriptedEnd;
  readonly #script: readonly CheckedStep[];
  readonly #timeout: number;
  readonly #clock: Clock;
  readonly #reset: (error: Error) => void;
  #index = 0;

  /** `reset` ends the connection by an RST, as which the other end gets the error, if that can be. */
  constructor(
    end: ScriptedEnd,
    script: readonly CheckedStep[],
    { timeout, clock }: Required<PlayScriptOptions>,
    reset: (error: Error) => void,
  ) {
    this.#end = end;
    this.#script = script;
    this.#timeout = timeout!;
    this.#clock = clock!;
    this.#reset = reset;
  }

  async run(): Promise<void> {
    try {
      for (const step of this.#script) {
        await this.#play(step);
        this.#index++;
      }
      if (!ENDS.includes(this.#script.at(-1)?.kind)) await this.#finish();
    } catch (error) {
      const failure =
        error instanceof ScriptError ? error : this.#failure(toError(error).message, NOTHING, error);
      const [summary] = failure.message.split("\n", 1);
      this.#reset(
        new ConnectionResetError(`Connection reset by peer: its script has failed. ${summary}`, {
          cause: failure,
        }),
      );
      throw failure;
    }
  }

  async #play(step: CheckedStep): Promise<void> {
    switch (step.kind) {
      case "send":
        return this.#send(step.bytes, step.pieces);
      case "expect":
        return this.#expect(step.pattern);
      case "expect line":
        return this.#expectLine(step.pattern);
      case "wait":
        return new Promise((resolve) => void this.#clock.setTimer(step.duration, resolve));
      case "send eof":
        return this.#end.writer.writeEof();
      case "expect eof":
        return this.#expectEof("the other end has not ended its direction");
      case "close":
        await this.#expectNothing();
        return this.#close();
      case "reset":
        return this.#reset(new ConnectionResetError("Connection reset by peer"));
      case "leave open":
        return this.#expectNothing();
    }
  }

  /** What comes after a script that leaves the end to the other side. */
  async #finish(): Promise<void> {
    await this.#expectEof(
      'the other end has not closed the connection: close it there, or end the script with "close" or "leave open"',
    );
    await this.#close();
  }

  // Steps.

  async #send(bytes: Uint8Array, pieces = bytes.length): Promise<void> {
    const { writer } = this.#end;
    for (let start = 0; start < bytes.length; start += pieces) {
      if (start > 0) await turn();
      writer.write(bytes.subarray(start, start + pieces));
      const reason = await this.#within((signal) => writer.drain({ signal }));
      if (reason !== undefined)
        throw this.#failure(`${reason.text}, and not all of it has gone`, NOTHING, reason.cause);
    }
  }

  async #expect(pattern: BytesPattern): Promise<void> {
    let match: Match = { kind: "matched", size: 0 };
    const stopped = await this.#gather((received) => {
      match = pattern.match(received);
      if (match.kind === "matched") return match.size;
      return match.kind === "different" ? 0 : undefined;
    });
    if (stopped !== undefined) throw this.#mismatch(match, stopped.received, stopped);
    if (match.kind === "matched") return;
    const received = await this.#arrived();
    throw this.#mismatch(pattern.match(received), received);
  }

  async #expectLine(pattern: RegExp): Promise<void> {
    const stopped = await this.#gather((received) => {
      const end = received.indexOf("\n");
      if (end < 0) return undefined;
      const line = received.toString("utf8", 0, end).replace(/\r$/, "");
      if (line.search(pattern) < 0) throw this.#failure(`the line is ${JSON.stringify(line)}`, received);
      return end + 1;
    });
    if (stopped === undefined) return;
    throw this.#mismatch(
      { kind: "unfinished", part: Buffer.from("\n"), start: 0 },
      stopped.received,
      stopped,
    );
  }

  async #expectEof(otherwise: string): Promise<void> {
    const stopped = await this.#gather((received) => {
      if (received.length > 0) throw this.#failure(showExcess(received), received);
      return undefined;
    });
    if (stopped!.kind === "end") return;
    throw this.#failure(`${stopped!.text}: ${otherwise}`, NOTHING, stopped!.cause);
  }

  async #expectNothing(): Promise<void> {
    const received = await this.#arrived();
    if (received.length > 0) throw this.#failure(showExcess(received), received);
  }

  /** What the other end has not read goes on its way; a loss at the end is no failure. */
  async #close(): Promise<void> {
    const { writer } = this.#end;
    writer.close();
    const reason = await this.#within((signal) => writer.waitClosed({ signal }));
    if (reason?.kind === "timeout")
      throw this.#failure(`${reason.text}: it does not read what was sent`, NOTHING);
  }

  // What steps are made of.

  /** Reads until `take` says how many of the received bytes the step takes, or until no more come. */
  async #gather(take: (received: Bytes) => number | undefined): Promise<Stopped | undefined> {
    const { reader } = this.#end;
    let received = NOTHING;
    let stop: Stop | undefined;
    const interruption = await this.#within(async (signal) => {
      for (;;) {
        const size = take(received);
        if (size !== undefined) return reader.unread(received.subarray(size));
        const chunk = await reader.read(READ_SIZE, { signal });
        if (chunk.length === 0) {
          stop = { kind: "end", text: "the other end sends nothing more" };
          return;
        }
        received = Buffer.concat([received, chunk]);
      }
    });
    stop = interruption ?? stop;
    return stop && { ...stop, received };
  }

  /** All that has come, and what is on its way at this moment. */
  async #arrived(): Promise<Bytes> {
    await turn();
    const { reader } = this.#end;
    return reader.bufferedBytes > 0 ? reader.read(reader.bufferedBytes) : NOTHING;
  }

  /** Runs what waits, at most as long as a step may; returns what has ended it, if it was not its own end. */
  async #within(wait: (signal: AbortSignal | undefined) => Promise<void>): Promise<Stop | undefined> {
    const limit = this.#timeout === Infinity ? undefined : deadlineOn(this.#clock, this.#timeout);
    try {
      await wait(limit?.signal);
      return undefined;
    } catch (error) {
      if (error instanceof ScriptError) throw error;
      if (limit?.signal.aborted)
        return { kind: "timeout", text: `nothing more happened for ${this.#timeout} ms` };
      return { kind: "loss", text: `the connection was lost (${String(error)})`, cause: error };
    } finally {
      limit?.[Symbol.dispose]();
    }
  }

  #mismatch(match: Match, received: Bytes, stop?: Stop): ScriptError {
    return this.#failure(showMismatch(match, received, stop?.text), received, stop?.cause);
  }

  /** Says also where else in the script the bytes would fit. */
  #failure(problem: string, received: Bytes, cause?: unknown): ScriptError {
    const message = report(this.#script, this.#index, problem, received);
    return new ScriptError(message, this.#index + 1, received, cause);
  }
}

/** Lets happen what is ready to. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
