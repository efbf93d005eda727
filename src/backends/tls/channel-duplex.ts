/** Any channel as a Duplex of node:stream, for the TLS engine to run over. */
import { Duplex } from "node:stream";
import type { Channel, ChannelEvents } from "../channel.js";

/**
 * The end of the channel's bytes is not passed on: whoever reads cannot tell it from an end that the peer has announced.
 * `hasEnded` tells of it. A write is done when nothing of it is left in the channel: so what the engine counts as buffered is all that the
 * kernel has not.
 */
export class ChannelDuplex extends Duplex {
  readonly channel: Channel;
  #isHeld = false;
  #hasEnded = false;
  #written: ((error?: Error | null) => void) | undefined;
  #whenPassedOn: (() => void)[] = [];

  /** `early`: bytes that came before. The channel is started by its owner, with `events`. */
  constructor(channel: Channel, early: Uint8Array) {
    super({ allowHalfOpen: true });
    this.channel = channel;
    if (early.length > 0) this.push(early);
  }

  /** Whether the channel's bytes have ended. Then `"channelEnd"` was emitted. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Stops the channel, and with it all that is above; back-pressure belongs here. */
  hold(): void {
    this.#isHeld = true;
    this.channel.pause();
  }

  release(): void {
    this.#isHeld = false;
    this.channel.resume();
  }

  /** Calls `done` when nothing of what was written is left. Never after the end. */
  whenPassedOn(done: () => void): void {
    if (this.writableLength === 0) done();
    else this.#whenPassedOn.push(done);
  }

  /** Ends the channel behind what is buffered. */
  closeChannel(): void {
    this.channel.close();
  }

  // What the stream asks for.

  override _read(): void {
    if (!this.#isHeld) this.channel.resume();
  }

  override _write(chunk: Uint8Array, _encoding: unknown, written: (error?: Error | null) => void): void {
    this.channel.write(chunk);
    this.#written = written;
    this.#finishWrite();
  }

  /** The channel is not half-closed: TLS ends as a whole. */
  override _final(done: () => void): void {
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.channel.destroy();
    done(error);
  }

  /** What the channel tells. */
  readonly events: ChannelEvents = {
    dataReceived: (chunk) => {
      if (!this.push(chunk)) this.channel.pause();
    },
    eofReceived: () => {
      this.#hasEnded = true;
      this.emit("channelEnd");
    },
    bufferShrank: () => this.#finishWrite(),
    // `closed` follows, with the error.
    writingFailed: () => {},
    // The bytes before it are still on their way up.
    closed: (error) => void setImmediate(() => this.destroy(error)),
  };

  #finishWrite(): void {
    if (this.channel.bufferedBytes > 0) return;
    const written = this.#written;
    this.#written = undefined;
    written?.();
    if (this.writableLength > 0) return;
    for (const done of this.#whenPassedOn.splice(0)) done();
  }
}
