/** Receiving into memory that is used again, instead of 64 KiB anew for each read. */
import type { Socket } from "node:net";
import { nodeMajor } from "./runtime.js";

/** Bytes. More is no faster. */
const SIZE = 65_536;

/**
 * Gets what arrives, called on the socket, in memory that is only valid until it returns. `false` ends reading, until
 * `resume()`.
 */
type OnBytes<Target extends Socket> = (this: Target, bytes: Buffer) => boolean;

/** What node:net keeps for its option `onread`, which it has for connections that one opens, and not for accepted ones. */
interface Keys {
  readonly buffer: symbol;
  readonly callback: symbol;
  /** What is asked after each read for other memory. */
  readonly generator: symbol;
}

interface SocketInside {
  readonly _handle: { useUserBuffer?(buffer: Uint8Array): void } | null;
  [key: symbol]: unknown;
}

/** Memory of one socket alone: what was received there may be kept, and then the next is received elsewhere. */
export class OwnMemory {
  #memory: Buffer | undefined;
  readonly #keep = (): void => {
    this.#memory = undefined;
  };

  /** How to keep `bytes`, if they lie in it: what came first may still lie in the memory of all. */
  keepFor(bytes: Uint8Array): (() => void) | undefined {
    return this.#memory?.buffer === bytes.buffer ? this.#keep : undefined;
  }

  /** Where to receive from now on, if that changes. */
  readonly next = (): Buffer | undefined =>
    this.#memory === undefined ? (this.#memory = Buffer.allocUnsafeSlow(SIZE)) : undefined;
}

export class InPlaceReceiver<Target extends Socket = Socket> {
  readonly #onRead: (this: Target, size: number, memory: Buffer) => boolean;
  /** One for all sockets, since what is received is looked at before the next read. */
  #memory: Buffer | undefined;
  /** `null` if this runtime has none. */
  #keys: Keys | null | undefined;

  /** One `onBytes` for all sockets: each is `this` in turn. */
  constructor(onBytes: OnBytes<Target>) {
    this.#onRead = function (this: Target, size, memory) {
      return onBytes.call(this, memory.subarray(0, size));
    };
  }

  /**
   * From now on `onBytes` gets what arrives, instead of 'data'; a socket that is paused may still read once. No effect if
   * something is buffered, or where the runtime has no such thing.
   */
  begin(socket: Target): void {
    const inside = socket as unknown as SocketInside;
    const keys = (this.#keys ??= findKeys(socket));
    if (keys === null || socket.readableLength > 0 || inside[keys.buffer] !== null) return;
    if (typeof inside._handle?.useUserBuffer !== "function") return;
    const memory = (this.#memory ??= Buffer.allocUnsafeSlow(SIZE));
    inside[keys.buffer] = memory;
    inside[keys.callback] = this.#onRead;
    inside._handle.useUserBuffer(memory);
  }

  /** `socket` receives in memory of its own from its next read but one on, if it has begun here. */
  separate(socket: Target): OwnMemory | undefined {
    const inside = socket as unknown as SocketInside;
    const keys = this.#keys;
    if (!keys || inside[keys.callback] !== this.#onRead) return undefined;
    const own = new OwnMemory();
    inside[keys.generator] = own.next;
    return own;
  }

  /** From now on 'data' tells again of what arrives, in the same memory. */
  end(socket: Target): void {
    const inside = socket as unknown as SocketInside;
    const keys = this.#keys;
    if (!keys || inside[keys.callback] !== this.#onRead) return;
    inside[keys.callback] = (size: number, memory: Buffer) => socket.emit("data", memory.subarray(0, size));
  }
}

/** Of Bun and Deno, Deno has them too; but a socket that has used them cannot be upgraded to TLS there. */
function findKeys(socket: Socket): Keys | null {
  if (nodeMajor === 0) return null;
  const find = (name: string) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  const [buffer, callback, generator] = [find("kBuffer"), find("kBufferCb"), find("kBufferGen")];
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  return { buffer, callback, generator };
}
