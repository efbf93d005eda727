/** What differs between a plain socket and one that carries TLS: how it pauses, and how it ends. */
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { systemClock, type Clock } from "../../waiting/clock.js";
import type { Channel } from "../channel.js";
import { finishSocket } from "./finish-socket.js";
import { resetSocket } from "./reset-socket.js";
import type { SinkManner } from "./socket-sink.js";
import { fromSystemError } from "./system-errors.js";

export interface SocketManner extends SinkManner {
  /** Whether our direction can be ended alone. */
  readonly canEndWriting: boolean;
  /** Whether an end is one, and never an RST that the runtime mistakes for it. */
  readonly isEndCertain: boolean;
  /** What the socket runs on, if that is not a socket of the runtime. */
  readonly below: Channel | undefined;
  readonly clock: Clock;
  pause(socket: Socket): void;
  resume(socket: Socket): void;
  /** Sends what is buffered, then destroys `socket`. `fail` takes the reason if that did not go well. */
  close(socket: Socket, fail: (error: Error) => void): void;
  /**
   * As `close`, but so that what the peer is still sending does not cost it what was sent to it. `sent` is called when all
   * of that is sent.
   */
  finish?(socket: Socket, sent: () => void): void;
  /** Destroys `socket`, with an RST where there is such a thing. */
  reset(socket: Socket): void;
  /** Tells by `truncated` when the peer's bytes have ended without its word. */
  watch?(socket: Socket, truncated: (error: Error | undefined) => void): void;
  toError(error: Error): Error;
  /** What is known of the connection besides its socket and addresses. */
  extraInfo(name: string): unknown;
}

export const PLAIN: SocketManner = {
  canEndWriting: true,
  isEndCertain: false,
  copiesTogether: false,
  below: undefined,
  clock: systemClock,
  pause: (socket) => void socket.pause(),
  resume: (socket) => void socket.resume(),
  close(socket) {
    // Not as a socket pauses that receives in place: it would look no more at what comes, and so not hear of a reset.
    Readable.prototype.pause.call(socket);
    if (socket.writableLength === 0) socket.destroy();
    else socket.destroySoon();
  },
  finish: (socket, sent) => finishSocket(socket, systemClock, sent),
  reset: resetSocket,
  toError: fromSystemError,
  extraInfo: () => undefined,
};
