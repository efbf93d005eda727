/** A socket as a sink of bytes, which keeps errors from the runtime, and knows how far a write is. */
import type { Socket } from "node:net";
import { NO_BYTES } from "../../transport/tls.js";
import type { ByteSink, WriterOwner } from "./batched-writer.js";
import { isDeno } from "./runtime.js";
import { toldOfWrite } from "./system-errors.js";

/** Bytes. */
const PIECE = 262_144;

type WriteCallback = (error?: Error | null) => void;

/** Who has the sink. */
export interface SinkOwner extends WriterOwner {
  /** What is written is lost. It is for the owner to destroy the socket. */
  writeFailed(error: Error): void;
}

/** What differs between sockets that are written to. */
export interface SinkManner {
  /** Whether the runtime would copy several pieces together to write them: then each is written on its own. */
  readonly copiesTogether: boolean;
  /** Calls `done` once what `socket` says it has written has left it: without this, it has by then. */
  readonly whenPassedOn?: (done: () => void) => void;
}

/** On a socket: its sink. */
const SINK = Symbol("sink");

interface SunkSocket extends Socket {
  [SINK]: SocketSink;
}

type Chunks = { chunk: Uint8Array; encoding: BufferEncoding }[];

/** What a stream calls to have its bytes written. */
interface Writes {
  readonly _write: (chunk: Uint8Array, encoding: BufferEncoding, done: WriteCallback) => void;
  readonly _writev?: ((chunks: Chunks, done: WriteCallback) => void) | undefined;
}

/** What all sockets call, each as `this`, where the runtime had its own. */
interface Overrides {
  readonly write: (this: SunkSocket, chunk: Uint8Array, encoding: unknown, done: WriteCallback) => void;
  readonly writev: (this: SunkSocket, chunks: Chunks, done: WriteCallback) => void;
}

export class SocketSink implements ByteSink {
  static readonly #overrides: Overrides = {
    write(chunk, _encoding, done) {
      const sink = this[SINK];
      if (sink.#begin(chunk.length, done)) sink.#start(chunk);
    },
    writev(chunks, done) {
      const sink = this[SINK];
      const size = this.writableLength;
      sink.#begin(size, done);
      if (sink.#manner.copiesTogether || sink.#isSplit(size))
        sink.#writeInTurn(chunks.map(({ chunk }) => chunk));
      else sink.#writev!.call(this, chunks, sink.#onDone);
    },
  };
  readonly keepsNothing = true;
  readonly #socket: SunkSocket;
  readonly #owner: SinkOwner;
  readonly #manner: SinkManner;
  /** Those of the runtime. */
  readonly #write: Writes["_write"];
  readonly #writev: Writes["_writev"];
  /** Of the stream, for the write that is under way. */
  #callback: WriteCallback | undefined;
  /** The write that is under way did not come from the stream. */
  #isPassing = false;
  /** Bytes of the write that is under way, or of that piece of it which is. */
  #current = 0;
  /** … of the pieces before that one. */
  #sent = 0;

  /**
   * A failed write would make the runtime destroy the socket, with all that the peer had sent and nobody has read yet.
   * So its error is kept from the runtime, and told to `owner`, who destroys the socket when that is delivered.
   */
  constructor(socket: Socket, owner: SinkOwner, manner: SinkManner) {
    const sunk = socket as SunkSocket;
    this.#socket = sunk;
    this.#owner = owner;
    this.#manner = manner;
    const before = sunk[SINK] as SocketSink | undefined;
    const writes: Writes = sunk;
    this.#write = before === undefined ? writes._write : before.#write;
    this.#writev = before === undefined ? writes._writev : before.#writev;
    sunk[SINK] = this;
    sunk._write = SocketSink.#overrides.write;
    if (this.#writev !== undefined) sunk._writev = SocketSink.#overrides.writev;
  }

  /**
   * `false` if the bytes are under way already. A runtime may write the same chunk again, and then hands `#onDone` itself
   * back.
   */
  #begin(size: number, done: WriteCallback): boolean {
    const isAgain = done === this.#onDone;
    if (!isAgain) this.#callback = done;
    if (this.#isPassing && !isAgain) return (this.#isPassing = false);
    this.#current = size;
    return true;
  }

  #start(data: Uint8Array): void {
    if (this.#isSplit(data.length)) this.#writeInTurn([data]);
    else this.#write.call(this.#socket, data, "buffer" as BufferEncoding, this.#onDone);
  }

  readonly #onDone: WriteCallback = (error) => {
    if (error) {
      this.#current = this.#sent = 0;
      this.#owner.writeFailed(toldOfWrite(error));
    } else if (this.#manner.whenPassedOn === undefined) this.#onPassedOn();
    else this.#manner.whenPassedOn(() => this.#onPassedOn());
  };

  #onPassedOn(): void {
    this.#current = this.#sent = 0;
    this.#isPassing = false;
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.();
  }

  /** Deno does not tell how far a write is: a large one goes in pieces. */
  #isSplit(size: number): boolean {
    return isDeno && size > PIECE && !this.#socket.connecting;
  }

  /** One piece after the other, each when the one before it is done. */
  #writeInTurn(chunks: readonly Uint8Array[]): void {
    const pieces = isDeno ? chunks.flatMap(inPieces) : chunks;
    let begun = 0;
    const next: WriteCallback = (error) => {
      const piece = error ? undefined : pieces[begun++];
      if (piece === undefined) {
        this.#onDone(error);
        return;
      }
      const isFirst = begun === 1;
      if (!isFirst) this.#sent += this.#current;
      this.#current = piece.length;
      this.#write.call(this.#socket, piece, "buffer" as BufferEncoding, next);
      if (!isFirst) this.#owner.bytesTaken();
    };
    next();
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** What the kernel has not taken, of the write that is under way, or of that piece of it which is, all. */
  get writableLength(): number {
    return this.#socket.writableLength - this.#sent;
  }

  /**
   * Past the stream where nothing waits in it. It learns only of what the kernel does not take at once, as if it had passed
   * that on itself: then its state is the same as ever.
   */
  write(data: Uint8Array, done?: WriteCallback): boolean {
    const socket = this.#socket;
    if (this.#callback === undefined && socket.writableLength === 0 && socket.writableCorked === 0) {
      this.#current = data.length;
      this.#isPassing = true;
      this.#start(data);
      if (!this.#isPassing) return true;
    }
    socket.write(data, done);
    return false;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Tells the owner when the kernel has what somebody else had written before, of which some is left. */
  awaitEarlierWrites(): void {
    const socket = this.#socket;
    const done = () => this.#owner.bytesTaken();
    if (socket.writableEnded) socket.once("finish", done);
    else socket.write(NO_BYTES, done);
  }

  /**
   * How many of these bytes the kernel has: the runtime, which counts a write as a whole, may be far into a large one. 0
   * where the runtime does not tell.
   */
  get taken(): number {
    if (this.#current === 0 || this.#socket.destroyed || isDeno) return 0;
    const { _handle: handle } = this.#socket as unknown as SocketInside;
    // Nothing left of a write that is not done: a TLS engine of Node.js 26 says so when it holds all of it.
    const left = handle?.writeQueueSize || this.#current;
    return Math.max(0, this.#current - left);
  }
}

function inPieces(data: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(data.length / PIECE) }, (_, i) =>
    data.subarray(i * PIECE, (i + 1) * PIECE),
  );
}

/** What node:net keeps to itself. TLS counts what is encrypted, which is a little more. */
interface SocketInside {
  readonly _handle: { readonly writeQueueSize?: number } | null;
}
