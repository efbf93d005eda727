/** The upper side of the seam: what a transport tells about its connection. */
import type { Transport } from "./transport.js";

/**
 * A transport calls these, never two at once: `connectionMade` once and first; then the others as things happen, with
 * `eofReceived` at most once and no `dataReceived` after it; `connectionLost` once and last. As `asyncio.Protocol`.
 */
export interface Protocol {
  connectionMade(transport: Transport): void;
  /**
   * Offers bytes that are only there until this returns, instead of a chunk; gives how many it has taken of the first ones.
   * The rest comes by `dataReceived`. Without it: none. If there is a `keep`, who calls it before that keeps all of `bytes`.
   */
  dataOffered?(bytes: Uint8Array, keep?: () => void): number;
  /** `chunk` is not empty, and is the protocol's own from now on. */
  dataReceived(chunk: Uint8Array): void;
  /** The peer sends nothing more. The transport closes unless this returns true. */
  eofReceived(): boolean;
  /** The connection is gone and its resources are free. `error` says why, unless the end was a regular one. */
  connectionLost(error: Error | undefined): void;
  /** More is buffered for writing than the high mark. Followed by `resumeWriting` or `connectionLost`. */
  pauseWriting(): void;
  /** What is buffered for writing has fallen to the low mark. */
  resumeWriting(): void;
  /** Nothing is buffered for writing any more. Not for what was dropped. */
  writeBufferEmptied(): void;
}
