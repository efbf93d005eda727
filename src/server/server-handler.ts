/** What a server asks of whoever makes streams of its connections. */
import type { StartableTransport } from "../transport/transport.js";

/** An accepted connection, from its handshake to its end. */
export interface AcceptedConnection<Streams> {
  /**
   * Puts on it what belongs below the streams, and calls `ready` once: within the call for a plain connection, after the
   * handshake with TLS, never if that fails. Called first, and once; the server counts the connection by then.
   */
  open(ready: () => void): void;
  /** What is worked with, from `ready` on. */
  readonly streams: Streams;
  /** Hands it to the callback. Called at most once, and only from `ready` on. */
  serve(): void;
  /** Tells the callback that the server shuts down. Called at most once, after `serve`. */
  announceShutdown(): void;
  /** Gives up a handshake, else sends what was written and ends. Idempotent. */
  close(): void;
  /** Ends it now. Idempotent. */
  abort(): void;
  /** Resolves when the connection has ended, in whatever way. Never rejects. */
  readonly ended: Promise<void>;
}

export interface ServerHandler<Streams> {
  connectionAccepted(transport: StartableTransport): AcceptedConnection<Streams>;
  acceptFailed(error: Error): void;
}
