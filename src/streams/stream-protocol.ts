/** Joins a transport with the reader and the writer above it. */
import type { Protocol } from "../transport/protocol.js";
import type { Transport } from "../transport/transport.js";
import { Gate } from "./gate.js";
import type { StreamReader } from "./stream-reader.js";

/** As `asyncio.StreamReaderProtocol`. */
export class StreamProtocol implements Protocol {
  readonly #reader: StreamReader;
  /** Open while the transport has room for more. */
  readonly drainGate: Gate = new Gate("open");
  /** Ends with the connection. */
  readonly closedGate: Gate = new Gate("shut");

  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  connectionMade(transport: Transport): void {
    this.#reader.setTransport(transport);
  }

  dataReceived(chunk: Uint8Array): void {
    this.#reader.feedData(chunk);
  }

  /** Our direction stays open until the user closes it. */
  eofReceived(): boolean {
    this.#reader.feedEof();
    return true;
  }

  connectionLost(error: Error | undefined): void {
    if (error === undefined) this.#reader.feedEof();
    else this.#reader.feedError(error);
    this.drainGate.end(error);
    this.closedGate.end(error);
  }

  pauseWriting(): void {
    this.drainGate.shut();
  }

  resumeWriting(): void {
    this.drainGate.open();
  }
}
