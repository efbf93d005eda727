/** What a server asks of whoever makes streams of its connections. */
import type { StartableTransport } from "../transport/transport.js";

/** Who has an accepted connection. */
export interface ConnectionOwner {
  /** Once: within `open` for a plain connection, after the handshake with TLS, never if that fails. */
  connectionReady(): void;
  /** It has ended, in whatever way: once, last, and not within another call. */
  connectionEnded(): void;
}

/** An accepted connection, from its handshake to its end. */
export interface AcceptedConnection<Streams> {
  /** Puts on it what belongs below the streams. Called first, and once; the server counts the connection by then. */
  open(owner: ConnectionOwner): void;
  /** What is worked with, from when it is ready. */
  readonly streams: Streams;
  /** Hands it to the callback. Called at most once, and only when it is ready. */
  serve(): void;
  /** Tells the callback that the server shuts down. Called at most once, after `serve`. */
  announceShutdown(): void;
  /** Gives up a handshake, else sends what was written and ends. Idempotent. */
  close(): void;
  /** Ends it now. Idempotent. */
  abort(): void;
}

export interface ServerHandler<Streams> {
  connectionAccepted(transport: StartableTransport): AcceptedConnection<Streams>;
  acceptFailed(error: Error): void;
}
