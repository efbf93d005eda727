/** Joins a transport with the reader and the writer above it. */
import { ConnectionResetError } from "../errors.js";
import type { Protocol } from "../transport/protocol.js";
import type { Transport } from "../transport/transport.js";
import { Gate } from "../waiting/gate.js";
import type { ReceiveBuffer } from "./receive-buffer.js";

/** As `asyncio.StreamReaderProtocol`. */
export class StreamProtocol implements Protocol {
  readonly buffer: ReceiveBuffer;
  /** Open while the transport has room for more. */
  readonly drainGate: Gate = new Gate("open");
  /** Opens for a moment whenever nothing is buffered for writing; ends with an error if something was dropped. */
  readonly flushGate: Gate = new Gate("shut");
  /** Ends with the connection. */
  readonly closedGate: Gate = new Gate("shut");

  constructor(buffer: ReceiveBuffer) {
    this.buffer = buffer;
  }

  /**
   * Again after an upgrade to TLS: the reader then pauses the new transport, and what was written to the one before is
   * sent.
   */
  connectionMade(transport: Transport): void {
    this.buffer.replaceTransport(transport);
    if (transport.getWriteBufferSize() === 0) this.writeBufferEmptied();
  }

  dataOffered(bytes: Uint8Array, keep?: () => void): number {
    return this.buffer.offer(bytes, keep);
  }

  dataReceived(chunk: Uint8Array): void {
    this.buffer.feed(chunk);
  }

  /** Our direction stays open until the user closes it. */
  eofReceived(): boolean {
    this.buffer.feedEof();
    return true;
  }

  connectionLost(error: Error | undefined): void {
    if (error === undefined) this.buffer.feedEof();
    else this.buffer.feedError(error, false);
    const toError = error && (() => error);
    this.drainGate.end(toError);
    // Made only if somebody waits: an error costs as much as a small exchange.
    this.flushGate.end(
      toError ?? (() => new ConnectionResetError("Connection lost before everything was sent")),
    );
    this.closedGate.end(toError);
  }

  pauseWriting(): void {
    this.drainGate.shut();
  }

  resumeWriting(): void {
    this.drainGate.open();
  }

  writeBufferEmptied(): void {
    this.flushGate.open();
    this.flushGate.shut();
  }
}
