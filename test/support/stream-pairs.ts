/** Pairs of streams of others that are connected with each other, as transports. */
import { Duplex } from "node:stream";
import { ChannelTransport } from "#src/backends/channel-transport.js";
import { StreamChannel } from "#src/interop/stream-channel.js";
import { WebChannel } from "#src/interop/web-channel.js";
import type { MakeTransports as MakePair } from "../backends/conformance.js";

/** What a stream passes on at once, in bytes. */
const PIECE = 65_536;

/** One end of a connection in memory, as a Duplex. It behaves as a socket does. */
export class PairedDuplex extends Duplex {
  #peer!: PairedDuplex;
  #taken: ((error?: Error) => void) | undefined;
  #isReset = false;

  constructor() {
    super({ highWaterMark: 4 * PIECE });
  }

  static pair(): [PairedDuplex, PairedDuplex] {
    const [one, two] = [new PairedDuplex(), new PairedDuplex()];
    one.#peer = two;
    two.#peer = one;
    return [one, two];
  }

  /** Ends the connection as an RST: the other end gets an error. */
  resetAndDestroy(): void {
    this.#isReset = true;
    this.#peer.destroy(systemError("ECONNRESET", "read"));
    this.destroy();
  }

  override _read(): void {
    const taken = this.#peer.#taken;
    this.#peer.#taken = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: unknown, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    const rest = chunk.subarray(PIECE);
    const goOn = (error?: Error) => {
      if (error !== undefined || rest.length === 0) done(error);
      else this._write(rest, "", done);
    };
    if (peer.destroyed) setImmediate(goOn, systemError("EPIPE", "write"));
    else if (peer.push(chunk.subarray(0, PIECE))) setImmediate(goOn);
    else this.#taken = goOn;
  }

  override _final(done: () => void): void {
    this.#peer.push(null);
    setImmediate(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.#peer;
    setImmediate(() => {
      if (!this.#isReset && !peer.destroyed && !peer.readableEnded && !this.writableFinished) peer.push(null);
      peer.#failWrite();
      done(error);
    });
  }

  /** One that waits for the other end, which is gone. */
  #failWrite(): void {
    this.#taken?.(systemError("EPIPE", "write"));
    this.#taken = undefined;
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall, errno: -1 });
}

export const overDuplexes: MakePair = async () => {
  const [near, far] = PairedDuplex.pair();
  const overDuplex = (duplex: Duplex) =>
    new ChannelTransport(new StreamChannel({ readable: duplex, writable: duplex }));
  return {
    near: overDuplex(near),
    far: overDuplex(far),
    reset: () => void (near.destroyed || far.resetAndDestroy()),
  };
};

export const overWebStreams: MakePair = async () => {
  const [there, back] = [new TransformStream(), new TransformStream()];
  const overStreams = (readable: ReadableStream, writable: WritableStream) =>
    new ChannelTransport(new WebChannel(readable, inPieces(writable)));
  return {
    near: overStreams(back.readable, there.writable),
    far: overStreams(there.readable, back.writable),
  };
};

/** Passes chunks of any size on in pieces, as what is in front of a network does. */
function inPieces(writable: WritableStream): WritableStream<Uint8Array> {
  const writer = writable.getWriter();
  return new WritableStream({
    start(controller) {
      writer.closed.catch((error: unknown) => controller.error(error));
      const { signal } = controller as unknown as { signal: AbortSignal };
      signal.addEventListener("abort", () => void writer.abort(signal.reason).catch(() => {}));
    },
    async write(chunk) {
      for (let start = 0; start < chunk.length; start += PIECE) {
        await writer.write(chunk.subarray(start, start + PIECE));
      }
    },
    close: () => writer.close(),
  });
}
