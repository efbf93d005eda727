/** A script of operations on one connection, with all the waits that make its outcome certain. */

/** What a step may lead to on purpose besides what asyncio does: names of docs/differences.md. */
export type Difference =
  | "end-of-tick"
  | "write-while-closing"
  | "writelines-after-end"
  | "late-close"
  | "reset-while-closing"
  | "writelines-pause"
  | "cancelled-wait-closed"
  | "both-ended"
  | "readable-after-reset";

export type Operation =
  | { readonly op: "write"; readonly n: number }
  | { readonly op: "writelines"; readonly sizes: readonly number[] }
  | { readonly op: "writeWrong" | "writelinesWrong"; readonly value: WrongValue }
  | { readonly op: "writeEof" | "canWriteEof" | "close" | "abort" | "isClosing" | "limits" }
  | { readonly op: "atEof" | "exception" }
  | ({ readonly op: "setLimits" } & Limits)
  | { readonly op: "drain" | "waitClosed" | "readLine"; readonly handle: number }
  | { readonly op: "read" | "readExactly"; readonly n: number; readonly handle: number }
  // What has become of something that waits: now, at last, and after it was given up.
  | { readonly op: "look" | "join" | "cancel"; readonly handle: number }
  // What has to come before the script goes on.
  | { readonly op: "turn" | "untilPaused" | "untilEof" | "untilLost" | "untilReleased" }
  | { readonly op: "untilReceived"; readonly n: number }
  | { readonly op: "peerWrite" | "peerRead"; readonly n: number }
  | { readonly op: "peerReadEnd" | "peerShutdown" | "peerClose" | "peerReset" | "peerGone" };

/** What our end does. */
export type OwnOperation = Exclude<Operation, { readonly op: `peer${string}` }>;

/** Marks of the write buffer, in bytes. */
export interface Limits {
  readonly high?: number | undefined;
  readonly low?: number | undefined;
}

/** What cannot be written: not bytes, or no iterable of such. */
export type WrongValue = "none" | "number" | "numbers" | "bytes";

export type Step = Operation & {
  /** How the two sides may differ here on purpose. */
  readonly differs?: Difference | undefined;
  /** Of what arrives, so many bytes are sent by asyncio alone. */
  readonly extra?: number | undefined;
  /** How many bytes arrive is up to the kernel: at most so many. */
  readonly atMost?: number | undefined;
};

export interface Script {
  readonly socket: "tcp" | "unix";
  /** The reader's limit, in bytes. */
  readonly limit: number;
  readonly steps: readonly Step[];
}
