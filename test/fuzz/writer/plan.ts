/**
 * Makes a script of what a program might do to a connection. Leaves out what nobody could tell the outcome of, as it is up to
 * the kernel or to how fast a process runs, and adds the waits after which the outcome is certain. So whatever two programs
 * that follow the script show is what they do, and never luck.
 */
import { Incoming } from "./incoming.js";
import { Outgoing } from "./outgoing.js";
import type { Difference, Limits, Operation, Script, Step, WrongValue } from "./script.js";

/** What a program might do. */
export type Action =
  | { readonly act: "write" | "read" | "readExactly" | "peerWrite" | "peerRead"; readonly n: number }
  | { readonly act: "writelines"; readonly sizes: readonly number[] }
  | { readonly act: "writeWrong" | "writelinesWrong"; readonly value: WrongValue }
  | ({ readonly act: "setLimits" } & Limits)
  /** `n` chooses one of what waits. */
  | { readonly act: "cancel"; readonly n: number }
  | { readonly act: "writeMuch" | "writelinesMuch" | "writeEof" | "canWriteEof" | "close" | "abort" }
  | { readonly act: "isClosing" | "limits" | "drain" | "waitClosed" | "readLine" | "readToEnd" }
  | { readonly act: "atEof" | "exception" | "look" }
  | { readonly act: "peerReadAll" | "peerReadEnd" | "peerShutdown" | "peerClose" | "peerReset" };

/** Something that waits: it has a handle. */
interface Waiting {
  readonly what: "drain" | "waitClosed" | "read";
  readonly handle: number;
  readonly differs: Difference | undefined;
}

/** The steps that `ticks` come to: the actions of each are carried out without a turn of the event loop between them. */
export function plan(socket: Script["socket"], limit: number, ticks: readonly (readonly Action[])[]): Script {
  const connection = new Plan(socket, limit);
  for (const actions of ticks) {
    for (const action of actions) connection.add(action);
    connection.endTick();
  }
  connection.finish();
  return { socket, limit, steps: connection.steps };
}

/** What gives its result at once, or a handle. */
const SHARE_A_TICK: readonly Action["act"][] = [
  "write",
  "writelines",
  "writeWrong",
  "writelinesWrong",
  "writeMuch",
  "writelinesMuch",
  "writeEof",
  "canWriteEof",
  "setLimits",
  "limits",
  "drain",
  "close",
  "abort",
  "isClosing",
  "waitClosed",
];

class Plan {
  readonly steps: Step[] = [];
  readonly #socket: Script["socket"];
  readonly #out: Outgoing;
  readonly #in: Incoming;
  /** "broken": a reset has come, and only a write will tell. "closing": what was written is still being sent. */
  #state: "open" | "broken" | "closing" | "ended" = "open";
  #peer: "open" | "shut" | "gone" = "open";
  #hasError = false;
  #isEofWritten = false;
  /** Both directions have ended: the connection is over here, and goes on in asyncio. */
  #isReleased = false;
  #isWaitPoisoned = false;
  /** It took until after `close()` to send all: asyncio loses track then. */
  #wasFlushedLate = false;
  /** It still counts what `writelines()` could not send. */
  #hasFailedToWrite = false;
  /** What was written is dropped wherever the kernel was. */
  #isCut = false;
  /** Bytes that asyncio alone sends, and why. */
  #extra: { bytes: number; differs: Difference } | undefined;
  #handles = 0;
  #waiting: Waiting[] = [];
  /** To be told at the end of the tick: those that are done. */
  #done: Waiting[] = [];
  #isTickOpen = false;
  #hasEndedInTick = false;
  /** Steps that wait, behind what stands in the tick. */
  #after: Operation[] = [];

  constructor(socket: Script["socket"], limit: number) {
    this.#socket = socket;
    this.#out = new Outgoing(socket);
    this.#in = new Incoming(limit);
  }

  add(action: Action): void {
    // Where the peer is gone an answer may come at any moment.
    const sharesTick = SHARE_A_TICK.includes(action.act) && this.#peer !== "gone" && !this.#isReleased;
    if (!sharesTick) this.endTick();
    this.#isTickOpen = true;
    this.#act(action);
    if (!sharesTick) this.endTick();
  }

  /** Lets everything happen that follows, and looks at what has to be done by then. */
  endTick(): void {
    if (!this.#isTickOpen) return;
    this.#isTickOpen = false;
    this.#out.inTick = 0;
    this.#step({ op: "turn" });
    for (const operation of this.#after.splice(0)) this.#step(operation);
    if (this.#hasEndedInTick) this.#step({ op: "untilLost" });
    this.#hasEndedInTick = false;
    this.#settleReading();
    if (this.#state === "ended") this.#finishWaiting(() => true);
    else if (!this.#out.isPaused) this.#finishWaiting(({ what }) => what === "drain");
    this.#releaseIfOver();
    for (const waiting of this.#done.splice(0)) this.#tell("join", waiting);
  }

  /** Ends the connection, whatever became of it, and looks at all that is left. */
  finish(): void {
    const isUnread = this.#in.unread > 0 && this.#in.pending === undefined;
    if (this.#state === "open" && isUnread) this.#alone({ act: "readExactly", n: this.#in.unread });
    for (const act of [
      "close",
      "peerReadEnd",
      "waitClosed",
      "drain",
      "isClosing",
      "atEof",
      "exception",
    ] as const) {
      this.#alone({ act });
    }
  }

  #alone(action: Action): void {
    this.add(action);
    this.endTick();
  }

  #act(action: Action): void {
    switch (action.act) {
      case "write":
        return this.#write(action.n);
      case "writelines":
        return this.#writeLines(action.sizes);
      case "writeMuch":
        return this.#writeMuch((n) => this.#step({ op: "write", n }), "write");
      case "writelinesMuch":
        return this.#writeMuch(
          (n) => this.#step({ op: "writelines", sizes: [n - 1000, 1000] }),
          "writeLines",
        );
      case "writeWrong":
        return this.#step({ op: "writeWrong", value: action.value });
      case "writelinesWrong":
        if (this.#state === "open" || this.#isEofWritten)
          this.#step({ op: "writelinesWrong", value: action.value });
        return;
      case "writeEof":
        return this.#writeEof();
      case "setLimits":
        return this.#setLimits(action);
      case "drain":
        return this.#drain();
      case "close":
        return this.#close();
      case "abort":
        return this.#abort();
      case "waitClosed":
        return this.#waitClosed();
      case "cancel":
        return this.#cancel(action.n);
      case "look":
        for (const waiting of this.#waiting) this.#tell("look", waiting);
        return;
      case "isClosing":
        return this.#step({ op: "isClosing" }, this.#isReleased ? "both-ended" : undefined);
      case "atEof":
        return this.#step({ op: "atEof" }, this.#hasError ? "readable-after-reset" : undefined);
      case "exception":
      case "canWriteEof":
      case "limits":
        return this.#step({ op: action.act });
      case "read":
      case "readExactly":
        return this.#read(action.act, action.n);
      case "readLine":
        return this.#readLine();
      case "readToEnd":
        if (this.#in.hasEof) this.#read("read", -1);
        return;
      case "peerWrite":
        return this.#peerWrite(action.n);
      case "peerRead":
        return this.#peerRead(action.n);
      case "peerReadAll":
        return this.#peerReadAll();
      case "peerReadEnd":
        return this.#peerReadEnd();
      case "peerShutdown":
        return this.#peerShutdown();
      case "peerClose":
        return this.#peerClose();
      case "peerReset":
        return this.#peerReset();
    }
  }

  // Writing.

  #write(n: number): void {
    if (this.#state === "open" && !this.#out.canWrite(n)) return;
    const isLate = this.#wasFlushedLate && n > 0 && !this.#isEofWritten;
    this.#step({ op: "write", n }, isLate ? "late-close" : undefined);
    if (n > 0 && !this.#isEofWritten) this.#written(n, "write");
  }

  #writeLines(sizes: readonly number[]): void {
    const n = sizes.reduce((sum, size) => sum + size, 0);
    if (this.#state === "open" && !this.#out.canWrite(n)) return;
    // CPython 3.13.0 fails then, and leaves a mess if the connection is not gone yet.
    const isOver = this.#state === "closing" || this.#state === "ended";
    if (isOver && (this.#state === "closing" || this.#hasEndedInTick || n === 0)) return;
    const fails = isOver && !this.#isEofWritten;
    this.#hasFailedToWrite ||= fails;
    this.#step({ op: "writelines", sizes }, fails ? "writelines-after-end" : undefined);
    if (n > 0 && !this.#isEofWritten) this.#written(n, "writeLines");
  }

  #writeMuch(step: (n: number) => void, how: "write" | "writeLines"): void {
    const isOpen = this.#state === "open" && this.#peer !== "gone" && !this.#isEofWritten;
    if (!isOpen || !this.#out.canWriteMuch) return;
    step(this.#out.much);
    this.#out.writeMuch(how);
  }

  #written(n: number, how: "write" | "writeLines"): void {
    if (this.#state === "closing") {
      this.#extra = { bytes: (this.#extra?.bytes ?? 0) + n, differs: "write-while-closing" };
    } else if (this.#state === "broken" || (this.#peer === "gone" && this.#socket === "unix")) {
      this.#end("with an error");
    } else if (this.#peer === "gone") {
      this.#break();
    } else if (this.#state === "open") {
      this.#out[how](n);
    }
  }

  /** The answer to what a closed peer gets is a reset, and who has seen its end reads no more. */
  #break(): void {
    if (this.#state !== "open") return;
    this.#state = "broken";
    this.#after.push({ op: "peerGone" });
  }

  #writeEof(): void {
    if (this.#state === "broken") return;
    this.#step({ op: "writeEof" });
    if (this.#state === "open") this.#isEofWritten = true;
  }

  #setLimits({ high, low }: Limits): void {
    const isCertain = this.#state !== "closing" && !this.#hasFailedToWrite;
    if (!isCertain || !this.#out.canMoveMarks({ high, low })) return;
    this.#step({ op: "setLimits", ...(high !== undefined && { high }), ...(low !== undefined && { low }) });
    if (this.#state === "open") this.#out.moveMarks({ high, low });
  }

  #drain(): void {
    const handle = this.#begin({ op: "drain", handle: this.#handles });
    this.#wait("drain", handle, this.#whyDrainDiffers());
  }

  #whyDrainDiffers(): Difference | undefined {
    if (this.#isReleased) return "both-ended";
    if (this.#state === "closing") return "write-while-closing";
    return this.#state === "open" && this.#out.isPauseMissed ? "writelines-pause" : undefined;
  }

  // Ending.

  #close(): void {
    if (this.#state === "open" && this.#in.isPaused !== "no") return;
    this.#step({ op: "close" });
    this.#isReleased = false;
    if (this.#state === "open" && this.#out.isFull) this.#state = "closing";
    else if (this.#state !== "closing") this.#end("well");
  }

  #abort(): void {
    if (this.#state === "open" && this.#in.isPaused !== "no") return;
    this.#step({ op: "abort" }, this.#wasFlushedLate ? "late-close" : undefined);
    this.#isReleased = false;
    if (this.#state === "ended") return;
    if (this.#out.isFull) this.#isCut = true;
    else if (this.#out.inTick > 0) this.#extra = { bytes: this.#out.inTick, differs: "end-of-tick" };
    this.#end("well");
  }

  #waitClosed(): void {
    const handle = this.#begin({ op: "waitClosed", handle: this.#handles });
    this.#wait("waitClosed", handle, this.#isWaitPoisoned ? "cancelled-wait-closed" : undefined);
  }

  #cancel(choice: number): void {
    if (this.#isReleased) return;
    const candidates = this.#waiting.filter(({ differs }) => differs === undefined);
    const chosen = candidates[choice % candidates.length];
    if (chosen === undefined) return;
    this.#step({ op: "cancel", handle: chosen.handle });
    this.#waiting = this.#waiting.filter((waiting) => waiting !== chosen);
    if (chosen.what === "read") this.#in.pending = undefined;
    if (chosen.what !== "waitClosed") return;
    this.#isWaitPoisoned = true;
    this.#waiting = this.#waiting.map((waiting) =>
      waiting.what === "waitClosed" ? { ...waiting, differs: "cancelled-wait-closed" } : waiting,
    );
  }

  // Reading.

  #read(op: "read" | "readExactly", n: number): void {
    if (this.#in.pending !== undefined || this.#state === "broken") return;
    const { unread } = this.#in;
    const isThere = n === 0 || (op === "read" ? unread > 0 && n > 0 : unread >= n);
    if (isThere && op === "read" && !this.#in.canRead(n)) return;
    const handle = this.#begin({ op, n, handle: this.#handles });
    if (this.#hasError) {
      if (isThere) this.#in.unread -= Math.min(n, unread);
      this.#finished("read", handle, "readable-after-reset");
    } else if (isThere || this.#in.hasEof) {
      this.#in.consume(n < 0 ? unread : Math.min(n, unread));
      this.#finished("read", handle);
    } else {
      this.#in.wait({ handle, needs: op === "read" ? 1 : n, takes: n });
      this.#wait("read", handle);
    }
  }

  #readLine(): void {
    const { line } = this.#in;
    if (this.#in.pending !== undefined || this.#hasError || line === undefined) return;
    const handle = this.#begin({ op: "readLine", handle: this.#handles });
    this.#in.consume(line);
    this.#finished("read", handle);
  }

  /** What the peer has sent is there, as far as it can come. */
  #settleReading(): void {
    const done = this.#in.takePending();
    if (done !== undefined) this.#finishWaiting(({ handle }) => handle === done.handle);
    if (this.#state !== "open") return;
    if (this.#in.isPaused === "yes") this.#step({ op: "untilPaused" });
    else if (this.#in.isPaused === "no" && this.#in.sent > 0) {
      this.#step({ op: "untilReceived", n: this.#in.sent });
    }
  }

  // The peer. Its end is seen only by who is not paused.

  #peerWrite(n: number): void {
    if (this.#state !== "open" || this.#peer !== "open") return;
    this.#step({ op: "peerWrite", n });
    this.#in.receive(n);
  }

  #peerRead(n: number): void {
    const readable = this.#out.readable(n);
    if (readable === 0 || this.#isCut || this.#extra !== undefined || this.#peer === "gone") return;
    this.#step({ op: "peerRead", n: readable });
    this.#out.underWay -= readable;
  }

  #peerReadAll(): void {
    if (this.#state !== "open" || this.#peer === "gone" || this.#out.underWay === 0) return;
    this.#step({ op: "peerRead", n: this.#out.underWay });
    this.#out.allRead();
  }

  #peerReadEnd(): void {
    const isComing = this.#isEofWritten || this.#state === "closing" || this.#state === "ended";
    if (!isComing || this.#peer === "gone") return;
    const { bytes, differs } = this.#extra ?? { bytes: 0, differs: undefined };
    if (this.#isCut) this.#step({ op: "peerReadEnd" }, undefined, { atMost: this.#out.underWay + bytes });
    else this.#step({ op: "peerReadEnd" }, differs, bytes > 0 ? { extra: bytes } : {});
    this.#extra = undefined;
    this.#isCut = false;
    this.#out.allRead();
    if (this.#state !== "closing") return;
    this.#wasFlushedLate = true;
    this.#end("well");
  }

  #peerShutdown(): void {
    if (this.#peer !== "open" || this.#state === "ended" || this.#in.isPaused !== "no") return;
    this.#step({ op: "peerShutdown" });
    this.#peer = "shut";
    this.#seeEof();
  }

  #peerClose(): void {
    if (this.#peer === "gone" || this.#in.isPaused !== "no") return;
    const wasOpen = this.#peer === "open";
    const isHeardFirst = this.#socket === "unix" && this.#state === "closing";
    this.#step({ op: "peerClose" }, isHeardFirst ? "reset-while-closing" : undefined);
    this.#peer = "gone";
    if (this.#out.underWay > 0) this.#wasReset(wasOpen);
    else if (wasOpen) this.#seeEof();
  }

  #peerReset(): void {
    if (this.#socket !== "tcp" || this.#peer === "gone" || this.#in.isPaused !== "no") return;
    const wasOpen = this.#peer === "open";
    this.#step({ op: "peerReset" });
    this.#peer = "gone";
    this.#wasReset(wasOpen);
  }

  #seeEof(): void {
    if (this.#state !== "open") return;
    this.#after.push({ op: "untilEof" });
    this.#in.hasEof = true;
  }

  #wasReset(wasReading: boolean): void {
    if (this.#state === "ended" || this.#isReleased) return;
    if (wasReading || this.#out.isFull) this.#end("with an error");
    else if (this.#socket === "tcp") this.#break();
  }

  // What follows.

  #end(how: "well" | "with an error"): void {
    this.#hasEndedInTick ||= this.#state !== "ended";
    this.#state = "ended";
    this.#hasError ||= how === "with an error";
    this.#in.hasEof ||= how === "well";
    this.#in.isPaused = "no";
    if (this.#hasError) this.#in.pending = undefined;
  }

  #releaseIfOver(): void {
    if (this.#state !== "open" || !this.#isEofWritten || !this.#in.hasEof || this.#out.isFull) return;
    if (!this.#isReleased) this.#step({ op: "untilReleased" });
    this.#isReleased = true;
  }

  #finishWaiting(isDone: (waiting: Waiting) => boolean): void {
    this.#done.push(...this.#waiting.filter(isDone));
    this.#waiting = this.#waiting.filter((waiting) => !isDone(waiting));
  }

  #begin(step: Operation & { readonly handle: number }): number {
    this.#step(step);
    return this.#handles++;
  }

  #wait(what: Waiting["what"], handle: number, differs?: Difference): void {
    this.#waiting.push({ what, handle, differs });
  }

  #finished(what: Waiting["what"], handle: number, differs?: Difference): void {
    this.#done.push({ what, handle, differs });
  }

  #tell(op: "look" | "join", { what, handle, differs }: Waiting): void {
    const released = this.#isReleased && what === "waitClosed" ? "both-ended" : undefined;
    this.#step({ op, handle }, differs ?? released);
  }

  #step(operation: Operation, differs?: Difference, more: Partial<Step> = {}): void {
    this.steps.push({ ...operation, ...(differs !== undefined && { differs }), ...more } as Step);
  }
}
