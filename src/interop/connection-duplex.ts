/** A connection as a Duplex of node:stream. */
import { Duplex } from "node:stream";
import type { Connection } from "../streams/connection.js";
import type { StreamWriter } from "../streams/stream-writer.js";

type Done = (error?: Error | null) => void;

export class ConnectionDuplex extends Duplex {
  readonly #writer: StreamWriter;
  readonly #chunks: AsyncIterator<Uint8Array, undefined>;

  constructor({ reader, writer }: Connection) {
    super({ allowHalfOpen: true });
    this.#writer = writer;
    this.#chunks = reader.chunks();
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ value }) => this.push(value ?? null),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: unknown, done: Done): void {
    this.#writer.write(chunk);
    this.#writer.drain().then(() => done(), done);
  }

  override _writev(chunks: { readonly chunk: Uint8Array }[], done: Done): void {
    this.#writer.writeLines(chunks.map(({ chunk }) => chunk));
    this.#writer.drain().then(() => done(), done);
  }

  /** What was written leaves before; TLS cannot end one direction alone. */
  override _final(done: Done): void {
    if (this.#writer.canWriteEof()) this.#writer.writeEof();
    done();
  }

  /** When both directions have ended well the rest is still sent. */
  override _destroy(error: Error | null, done: Done): void {
    if (error === null && this.readableEnded && this.writableFinished) this.#writer.close();
    else this.#writer.transport.abort();
    this.#writer.waitClosed().then(
      () => done(error),
      (lost: Error) => done(error ?? lost),
    );
  }
}
