/** A connection as a Duplex of node:stream. */
import { Duplex } from "node:stream";
import type { StreamReader } from "../streams/stream-reader.js";
import type { StreamWriter } from "../streams/stream-writer.js";
import { send } from "./send.js";

type Done = (error?: Error | null) => void;

export class ConnectionDuplex extends Duplex {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #chunks: AsyncIterator<Uint8Array, undefined>;

  constructor(reader: StreamReader, writer: StreamWriter) {
    super({ allowHalfOpen: true });
    this.#reader = reader;
    this.#writer = writer;
    this.#chunks = reader.chunks();
    // A write has succeeded when its memory is free to be used again.
    writer.transport.setWriteBufferLimits({ high: 0 });
    writer.waitClosed().catch((error: Error) => this.#lost(error));
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ value }) => {
        if (!this.destroyed) this.push(value ?? null);
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: unknown, done: Done): void {
    send(this.#writer, [chunk]).then(() => done(), done);
  }

  override _writev(chunks: { readonly chunk: Uint8Array }[], done: Done): void {
    const list = chunks.map(({ chunk }) => chunk);
    send(this.#writer, list).then(() => done(), done);
  }

  /** What was written leaves before; TLS cannot end one direction alone. */
  override _final(done: Done): void {
    if (this.#writer.canWriteEof()) this.#writer.writeEof();
    done();
  }

  /** When both directions have ended well there is nothing to abort. */
  override _destroy(error: Error | null, done: Done): void {
    if (error === null && this.readableEnded && this.writableFinished) this.#writer.close();
    else this.#writer.transport.abort();
    this.#writer.waitClosed().then(
      () => done(error),
      (lost: Error) => done(error ?? lost),
    );
  }

  /** Also while nobody reads or writes. What was received before it can still be read: then the read tells. */
  #lost(error: Error): void {
    if (this.#reader.bufferedBytes === 0) this.destroy(error);
  }
}
