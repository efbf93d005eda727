/**
 * A TCP proxy that carries one connection and does harm to it. It stands on node:net alone, so that nothing of what is
 * tested has a part in it, and it keeps count of what it has passed on, so that a test can say what must have arrived.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { turns } from "./turns.js";

export type Direction = "toServer" | "toClient";

/**
 * What happens when `after` bytes of a direction have been passed on:
 *
 * - cut: its end is passed on. What else comes is dropped; the other direction goes on.
 * - reset: both ends get an RST, behind all that has been passed on.
 * - stall: nothing more is passed on, no end either, until `release()`.
 * - dribble: the next 32 bytes go one by one, far enough apart to be read one by one.
 * - reorder: what else comes is held, its end too, until the end of the other direction has been passed on: who has
 *   closed hears the rest afterwards, and his close has overtaken it.
 * - slow: a piece of at most 64 KiB is taken each 8 turns, so that the buffers of who sends fill up.
 */
export type FaultKind = "cut" | "reset" | "stall" | "dribble" | "reorder" | "slow";

export interface Fault {
  readonly kind: FaultKind;
  readonly direction: Direction;
  /** Bytes, counted from when the fault was set. */
  readonly after: number;
}

const DRIBBLED = 32;
const TURNS_BETWEEN_PIECES = 8;

/** Listens for one client, and connects it with the server at `serverPort`. Both connections end with the running test at the latest. */
export async function faultProxy(
  cleanup: (undo: () => unknown) => void,
  serverPort: number,
  fault?: Fault,
): Promise<FaultProxy> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const proxy = new FaultProxy(listener, serverPort);
  if (fault !== undefined) proxy.inflict(fault);
  cleanup(() => proxy.close());
  return proxy;
}

export class FaultProxy {
  readonly port: number;
  readonly toServer: Passage = new Passage(this, "toServer");
  readonly toClient: Passage = new Passage(this, "toClient");
  /** Whether both ends got an RST while they were not both through. */
  isReset = false;
  isReleased = false;
  /** Resolves with `release()`. */
  readonly released: Promise<void>;
  #tellReleased!: () => void;
  readonly #listener: Server;
  #sockets: readonly Socket[] = [];

  constructor(listener: Server, serverPort: number) {
    this.#listener = listener;
    this.port = (listener.address() as AddressInfo).port;
    this.released = new Promise((resolve) => (this.#tellReleased = resolve));
    listener.once("connection", (client: Socket) => void this.#carry(client, serverPort));
  }

  /** Sets the fault, in place of one that was set before. */
  inflict(fault: Fault): void {
    this[fault.direction].inflict(fault);
  }

  /** Ends a stall. */
  release(): void {
    this.isReleased = true;
    this.#tellReleased();
  }

  /** Resets both ends, as soon as nothing is half passed on. */
  async reset(): Promise<void> {
    const { toServer, toClient } = this;
    while (toServer.writing !== undefined || toClient.writing !== undefined)
      await (toServer.writing ?? toClient.writing);
    this.#resetNow();
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #carry(client: Socket, serverPort: number): Promise<void> {
    this.#listener.close();
    const server = connect({ port: serverPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#sockets = [client, server];
    // A reset of one end is one of the other. Iterating over a socket tells of it too, but not while it is held up.
    for (const socket of this.#sockets) socket.on("error", () => this.#resetNow());
    await once(server, "connect").catch(() => {});
    void this.toServer.carry(client, server);
    void this.toClient.carry(server, client);
  }

  #resetNow(): void {
    const open = this.#sockets.filter((socket) => !socket.destroyed);
    if (open.length > 0) this.isReset = true;
    for (const socket of open) {
      // The runtime cannot reset a socket whose end is just being sent.
      if (socket.writableEnded && !socket.writableFinished)
        socket.once("finish", () => socket.resetAndDestroy());
      else socket.resetAndDestroy();
    }
  }
}

/** One direction. */
export class Passage {
  /** Bytes that were passed on. */
  passed = 0;
  /** Whether its end was passed on. */
  hasEnded = false;
  /** Settles when nothing is half passed on. */
  writing: Promise<void> | undefined;
  readonly #proxy: FaultProxy;
  readonly #direction: Direction;
  #to: Socket | undefined;
  #kind: FaultKind | undefined;
  /** Bytes until the fault. */
  #left = Infinity;
  #dribbled = 0;
  /** What else comes is dropped. */
  #isShut = false;
  readonly #ended: Promise<void>;
  #tellEnd!: () => void;

  constructor(proxy: FaultProxy, direction: Direction) {
    this.#proxy = proxy;
    this.#direction = direction;
    this.#ended = new Promise((resolve) => (this.#tellEnd = resolve));
  }

  inflict({ kind, after }: Fault): void {
    this.#kind = kind;
    this.#left = after;
    this.#dribbled = 0;
    if (this.#to !== undefined) this.#strikeIfDue();
  }

  async carry(from: Socket, to: Socket): Promise<void> {
    this.#to = to;
    this.#strikeIfDue();
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) await this.#pass(chunk as Buffer);
    } catch {
      // The socket says itself why.
      return;
    }
    if (this.#left === 0) await this.#mayGoOn();
    if (!this.#isShut) this.#end();
  }

  async #pass(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0 && !this.#isShut) {
      const most = this.#left > 0 ? this.#left : await this.#mayGoOn();
      const piece = rest.subarray(0, most);
      this.writing = this.#write(piece);
      await this.writing;
      rest = rest.subarray(piece.length);
    }
  }

  async #write(piece: Buffer): Promise<void> {
    const isSent = await new Promise<boolean>((resolve) =>
      this.#to!.write(piece, (error) => resolve(!error)),
    );
    this.writing = undefined;
    if (!isSent) return;
    this.passed += piece.length;
    if (this.#left === 0) return;
    this.#left -= piece.length;
    this.#strikeIfDue();
  }

  #strikeIfDue(): void {
    if (this.#left > 0 || this.#isShut) return;
    this.#isShut = this.#kind === "cut" || this.#kind === "reset";
    if (this.#kind === "cut") this.#end();
    if (this.#kind === "reset") void this.#proxy.reset();
  }

  /** Waits as the fault demands; how many bytes may go then. */
  async #mayGoOn(): Promise<number> {
    const { toServer, toClient, released } = this.#proxy;
    if (this.#kind === "dribble" && this.#dribbled++ < DRIBBLED) {
      await turns(2);
      return 1;
    }
    if (this.#kind === "slow") await turns(TURNS_BETWEEN_PIECES);
    if (this.#kind === "stall") await released;
    if (this.#kind === "reorder") await (this.#direction === "toServer" ? toClient : toServer).#ended;
    return Infinity;
  }

  #end(): void {
    this.hasEnded = true;
    this.#to!.end(() => this.#tellEnd());
  }
}
