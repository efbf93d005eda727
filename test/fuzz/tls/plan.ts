/** Makes a script of how a TLS connection begins, goes on and ends, with the waits after which each outcome is certain. */
import type { CertificateName } from "./certificates.js";
import type { Difference, Operation, Script, Side, Step, TlsGiven, Version } from "./script.js";

/** How the handshake goes. */
type Opening =
  | "right"
  /** What is wrong with the certificate that the client is shown, or the server. */
  | "wrongName"
  | "untrusted"
  | "missing"
  /** What comes instead of a handshake, or before it. */
  | "garbage"
  | "end"
  | "reset"
  | "silence"
  | "early";

export type Action =
  | { readonly act: "write" | "peerWrite" | "peerRead" | "read" | "readExactly"; readonly n: number }
  | {
      readonly act:
        "drain" | "isClosing" | "writeEof" | "canWriteEof" | "limits" | "waitClosed" | "writeMuch";
    };

/** How an established connection ends. */
type Ending =
  | "notify"
  | "truncate"
  | "reset"
  | "abort"
  | "close"
  | "closeTruncated"
  | "closeUnanswered"
  | "closeWhileSent";

export interface Course {
  readonly side: Side;
  readonly way: "openTls" | "startTls";
  readonly version: Version;
  readonly truncation: Script["truncation"];
  readonly opening: Opening;
  /** Whether the client has to show a certificate. */
  readonly isMutual: boolean;
  /** Bytes in plain before the upgrade. */
  readonly before: number;
  readonly actions: readonly Action[];
  readonly ending: Ending;
}

/** Long enough for whatever goes well, and short enough for what never comes. */
const LONG = 20_000;
const SHORT = 150;
/** More than the kernel takes, and above the mark of TLS. */
const MUCH = 6_291_456;

/** What the peer does in the place of its part of a handshake. */
const INSTEAD: Partial<Readonly<Record<Opening, Operation>>> = {
  garbage: { op: "peerWrite", n: 40 },
  end: { op: "peerShutdown" },
  reset: { op: "peerReset" },
};

export function plan(course: Course): Script {
  const { side, truncation } = course;
  return { side, truncation, steps: new Plan(course).steps };
}

class Plan {
  readonly steps: Step[] = [];
  readonly #course: Course;
  readonly #way: Course["way"];
  #handles = 0;
  #underWay = 0;
  #isMuchWritten = false;
  #sent = 0;
  #unread = 0;
  #plainSent = 0;
  #waiting: { handle: number; differs?: Difference }[] = [];

  constructor(course: Course) {
    this.#course = course;
    // A server's streams are upgraded; a client can do both.
    this.#way = course.side === "server" ? "startTls" : course.way;
    if (this.#open()) this.#goOn();
  }

  // The beginning.

  /** Whether the connection stands. */
  #open(): boolean {
    const { before, opening } = this.#course;
    if (this.#way === "startTls") {
      this.#step({ op: "open" });
      if (before > 0) this.#plain(before);
    }
    const { certificate, opponent } = this.#certificates();
    const { side, version } = this.#course;
    const peer = side === "client" ? "server" : "client";
    const asks = this.#asksClient;
    this.#step({
      op: "peerTls",
      side: peer,
      version,
      certificate: opponent,
      verifies: peer === "server" && asks,
    });
    const tls: TlsGiven = {
      version,
      certificate,
      verifies: side === "client" || asks,
      handshakeTimeout: opening === "silence" ? SHORT : LONG,
      shutdownTimeout: this.#course.ending === "closeUnanswered" ? SHORT : LONG,
    };
    if (opening === "early" && this.#way === "startTls") return this.#early(tls);
    if (this.#way === "startTls" && before === 7) {
      this.#step({ op: "startTlsWrong", handle: this.#handles });
      this.#join(this.#handles++);
    }
    const handle = this.#begin(tls);
    if (opening === "silence") return this.#failed(handle);
    const instead = INSTEAD[opening];
    if (instead === undefined) return this.#shakeHands(handle);
    this.#step(instead);
    return this.#failed(handle);
  }

  get #asksClient(): boolean {
    const { side, opening, isMutual } = this.#course;
    return isMutual || opening === "missing" || (side === "server" && opening === "untrusted");
  }

  /** What each end shows. Who is wrong is the peer, unless a server is to refuse us. */
  #certificates(): { certificate: CertificateName | null; opponent: CertificateName | null } {
    const { side, opening } = this.#course;
    const ofClient = this.#asksClient ? "right" : null;
    if (side === "client") {
      if (opening === "missing") return { certificate: null, opponent: "right" };
      const opponent = opening === "wrongName" || opening === "untrusted" ? opening : "right";
      return { certificate: ofClient, opponent };
    }
    if (opening === "missing") return { certificate: "right", opponent: null };
    return { certificate: "right", opponent: opening === "untrusted" ? "untrusted" : ofClient };
  }

  #begin(tls: TlsGiven): number {
    this.#step({ op: this.#way, handle: this.#handles, tls });
    return this.#handles++;
  }

  #plain(n: number): void {
    this.#step({ op: "write", n });
    this.#step({ op: "turn" });
    this.#step({ op: "peerRead", n });
    this.#step({ op: "peerWrite", n });
    this.#step({ op: "untilReceived", n });
    this.#step({ op: "readExactly", n, handle: this.#handles });
    this.#join(this.#handles++);
    this.#plainSent = n;
  }

  /** Bytes are in the reader when the upgrade begins: those of a client's handshake, or what somebody has slipped in. */
  #early(tls: TlsGiven): false {
    if (this.#course.side === "server") {
      this.#step({ op: "peerHello" });
      this.#step({ op: "untilReceived", n: this.#plainSent + 1 });
      const handle = this.#begin({ ...tls, theirHandshakeTimeout: SHORT });
      this.#step({ op: "peerHandshake" }, "bytes-before-tls");
      this.#join(handle, "bytes-before-tls");
    } else {
      this.#step({ op: "peerWrite", n: 20 });
      this.#step({ op: "untilReceived", n: this.#plainSent + 20 });
      const handle = this.#begin(tls);
      this.#step({ op: "peerHandshake" }, "bytes-before-tls");
      this.#join(handle, "bytes-before-tls");
      this.#step({ op: "readExactly", n: 20, handle: this.#handles });
      this.#join(this.#handles++, "bytes-before-tls");
    }
    return false;
  }

  #failed(handle: number): false {
    this.#join(handle);
    if (this.#way === "openTls") return false;
    this.#step({ op: "turn" });
    this.#step({ op: "isClosing" });
    this.#step({ op: "waitClosed", handle: this.#handles });
    this.#step({ op: "turn" });
    this.#step({ op: "look", handle: this.#handles++ }, "failed-start-tls");
    return false;
  }

  #shakeHands(handle: number): boolean {
    const { side, version, opening } = this.#course;
    const isRefusedByUs =
      (side === "client" && (opening === "wrongName" || opening === "untrusted")) ||
      (side === "server" && (opening === "missing" || opening === "untrusted"));
    if (isRefusedByUs) {
      this.#step({ op: "peerHandshake" }, "refused-handshake");
      return this.#failed(handle);
    }
    this.#step({ op: "peerHandshake" });
    if (opening !== "missing") {
      this.#join(handle);
      return true;
    }
    if (version === "TLSv1.2") return this.#failed(handle);
    // In TLS 1.3 a client is done before the server has looked.
    this.#join(handle);
    this.#step({ op: "read", n: 1, handle: this.#handles });
    this.#join(this.#handles++);
    this.#lost();
    return false;
  }

  // What is done with it.

  #goOn(): void {
    for (const action of this.#course.actions) this.#act(action);
    if (this.#isMuchWritten) this.#readAll();
    this.#end();
  }

  #act(action: Action): void {
    switch (action.act) {
      case "write":
        if (this.#isMuchWritten) return;
        this.#step({ op: "write", n: action.n });
        this.#underWay += action.n;
        return this.#step({ op: "turn" });
      case "writeMuch":
        if (this.#isMuchWritten) return;
        this.#isMuchWritten = true;
        this.#step({ op: "write", n: MUCH });
        this.#underWay += MUCH;
        return this.#step({ op: "turn" });
      case "peerRead":
        if (this.#isMuchWritten) return this.#readAll();
        return this.#peerRead(Math.min(action.n, this.#underWay));
      case "peerWrite":
        if (action.n === 0) return;
        this.#step({ op: "peerTlsWrite", n: action.n });
        this.#sent += action.n;
        this.#unread += action.n;
        return this.#step({ op: "untilReceived", n: this.#plainSent + this.#sent });
      case "read":
      case "readExactly":
        return this.#read(action.act, Math.min(action.n, this.#unread));
      case "drain":
        return this.#drain();
      case "waitClosed":
        this.#step({ op: "waitClosed", handle: this.#handles });
        this.#step({ op: "turn" });
        this.#step({ op: "look", handle: this.#handles });
        this.#waiting.push({ handle: this.#handles++ });
        return;
      case "isClosing":
      case "writeEof":
      case "canWriteEof":
      case "limits":
        return this.#step({ op: action.act });
    }
  }

  #peerRead(n: number): void {
    if (n === 0) return;
    this.#step({ op: "peerTlsRead", n });
    this.#underWay -= n;
  }

  #readAll(): void {
    this.#peerRead(this.#underWay);
    this.#isMuchWritten = false;
    const drains = this.#waiting.filter(({ differs }) => differs !== undefined);
    this.#waiting = this.#waiting.filter(({ differs }) => differs === undefined);
    for (const { handle } of drains) this.#join(handle);
  }

  #read(op: "read" | "readExactly", n: number): void {
    if (n === 0) return;
    this.#step({ op, n, handle: this.#handles });
    this.#join(this.#handles++);
    this.#unread -= n;
  }

  /** asyncio hands the first write down as a whole, and counts only what comes after. */
  #drain(): void {
    this.#step({ op: "drain", handle: this.#handles });
    this.#step({ op: "turn" });
    if (this.#isMuchWritten) {
      this.#step({ op: "look", handle: this.#handles }, "tls-first-write");
      this.#waiting.push({ handle: this.#handles++, differs: "tls-first-write" });
    } else {
      this.#join(this.#handles++);
    }
  }

  // The end.

  #end(): void {
    switch (this.#course.ending) {
      case "notify":
        this.#readAll();
        this.#step({ op: "peerNotify" });
        this.#step({ op: "peerTlsReadEnd" });
        return this.#lost();
      case "truncate":
        this.#step({ op: "peerShutdown" });
        this.#step({ op: "peerTlsReadEnd" }, "truncation-answer");
        return this.#lost();
      case "reset":
        this.#step({ op: "peerReset" });
        return this.#lost(true);
      case "abort":
        this.#step({ op: "abort" });
        this.#step({ op: "peerTlsReadEnd" });
        return this.#lost();
      case "close":
      case "closeTruncated":
      case "closeUnanswered":
      case "closeWhileSent":
        return this.#close(this.#course.ending);
    }
  }

  #close(how: Ending): void {
    this.#step({ op: "close" });
    this.#step({ op: "isClosing" });
    if (how === "closeUnanswered") return this.#lost(true);
    this.#step({ op: "peerTlsReadEnd" });
    this.#step({ op: "waitClosed", handle: this.#handles });
    this.#step({ op: "turn" });
    this.#step({ op: "look", handle: this.#handles });
    this.#waiting.push({ handle: this.#handles++ });
    if (how === "closeWhileSent") this.#step({ op: "peerTlsWrite", n: 10 });
    this.#step({ op: how === "closeTruncated" ? "peerShutdown" : "peerNotify" });
    this.#lost(false, how === "closeWhileSent" ? "data-after-close" : undefined);
  }

  #lost(hasError = false, differs?: Difference): void {
    this.#step({ op: "untilLost" });
    for (const { handle } of this.#waiting) this.#join(handle, differs);
    this.#step({ op: "isClosing" });
    for (const op of ["waitClosed", "drain"] as const) {
      this.#step({ op, handle: this.#handles });
      this.#join(this.#handles++, differs);
    }
    this.#step({ op: "exception" }, differs);
    if (this.#unread > 0) {
      this.#step({ op: "readExactly", n: this.#unread, handle: this.#handles });
      this.#join(this.#handles++, hasError ? "readable-after-reset" : differs);
    }
    this.#step({ op: "read", n: -1, handle: this.#handles });
    this.#join(this.#handles++, differs);
    this.#step({ op: "atEof" }, hasError ? "readable-after-reset" : differs);
  }

  #join(handle: number, differs?: Difference): void {
    this.#step({ op: "join", handle }, differs);
  }

  #step(operation: Operation, differs?: Difference): void {
    this.steps.push({ ...operation, ...(differs !== undefined && { differs }) });
  }
}
