/** A socket as a sink of bytes, which keeps errors from the runtime, and knows how far a write is. */
import type { Socket } from "node:net";
import { NO_BYTES } from "../../transport/tls.js";
import type { ByteSink } from "./batched-writer.js";
import { isDeno } from "./runtime.js";
import { toldOfWrite } from "./system-errors.js";

/** Bytes. */
const PIECE = 262_144;

type WriteCallback = (error?: Error | null) => void;

export class SocketSink implements ByteSink {
  readonly keepsNothing = true;
  readonly #socket: Socket;
  readonly #write: Socket["_write"];
  readonly #failed: (error: Error) => void;
  readonly #whenPassedOn: ((done: () => void) => void) | undefined;
  #callback: WriteCallback = () => {};
  /** Bytes of the write that is under way. */
  #current = 0;
  /** … that the kernel has, where it goes in pieces. */
  #sent = 0;

  /**
   * A failed write would make the runtime destroy the socket, with all that the peer had sent and nobody has read yet.
   * So its error is kept from the runtime, and told to `failed`, who destroys the socket when that is delivered. A write is
   * done when `whenPassedOn` says so; without it, at once.
   */
  constructor(
    socket: Socket,
    failed: (error: Error) => void,
    whenPassedOn: ((done: () => void) => void) | undefined,
  ) {
    this.#socket = socket;
    this.#failed = failed;
    this.#whenPassedOn = whenPassedOn;
    const write = socket._write.bind(socket);
    const writev = socket._writev?.bind(socket);
    this.#write = write;
    socket._write = (chunk, encoding, done) => {
      this.#begin(chunk.length, done);
      if (this.#isSplit) this.#writeInPieces(chunk);
      else write(chunk, encoding, this.#onDone);
    };
    if (writev === undefined) return;
    socket._writev = (chunks, done) => {
      this.#begin(socket.writableLength, done);
      if (this.#isSplit) this.#writeInPieces(Buffer.concat(chunks.map(({ chunk }) => chunk)));
      else writev(chunks, this.#onDone);
    };
  }

  /** A runtime may write the same chunk again, and then hands `#onDone` itself back. */
  #begin(size: number, done: WriteCallback): void {
    if (done !== this.#onDone) this.#callback = done;
    this.#current = size;
  }

  readonly #onDone: WriteCallback = (error) => {
    if (error) {
      this.#current = 0;
      this.#failed(toldOfWrite(error));
    } else if (this.#whenPassedOn === undefined) this.#onPassedOn();
    else this.#whenPassedOn(() => this.#onPassedOn());
  };

  #onPassedOn(): void {
    this.#current = 0;
    this.#callback();
  }

  /** Deno does not tell how far a write is: a large one goes in pieces. */
  get #isSplit(): boolean {
    return isDeno && this.#current > PIECE && !this.#socket.connecting;
  }

  #writeInPieces(data: Uint8Array): void {
    let sent = 0;
    const next: WriteCallback = (error) => {
      this.#sent = sent;
      if (error || sent === data.length) {
        this.#sent = 0;
        this.#onDone(error);
        return;
      }
      const piece = data.subarray(sent, sent + PIECE);
      sent += piece.length;
      this.#write(piece, "buffer" as BufferEncoding, next);
    };
    next();
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** What the kernel has not taken, of the write that is under way all. */
  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(data: Uint8Array, done?: WriteCallback): void {
    this.#socket.write(data, done);
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Calls `done` when the kernel has what somebody else had written before, if there is any left. */
  awaitEarlierWrites(done: () => void): void {
    const socket = this.#socket;
    if (socket.writableLength === 0) return;
    if (socket.writableEnded) socket.once("finish", done);
    else socket.write(NO_BYTES, done);
  }

  /**
   * How many bytes of the write that is under way the kernel has: the runtime, which counts a write as a whole, may be
   * far into a large one. 0 where the runtime does not tell.
   */
  get taken(): number {
    if (this.#current === 0 || this.#socket.destroyed) return 0;
    if (isDeno) return this.#sent;
    const { _handle: handle } = this.#socket as unknown as SocketInside;
    // Nothing left of a write that is not done: a TLS engine of Node.js 26 says so when it holds all of it.
    const left = handle?.writeQueueSize || this.#current;
    return Math.max(0, this.#current - left);
  }
}

/** What node:net keeps to itself. TLS counts what is encrypted, which is a little more. */
interface SocketInside {
  readonly _handle: { readonly writeQueueSize?: number } | null;
}
