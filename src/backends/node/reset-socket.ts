/** Ends a socket with an RST. */
import type { Socket } from "node:net";
import { isTcp } from "./endpoints.js";

/** Only TCP has resets: any other socket is destroyed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (isTcp(socket)) behindEnd(socket, () => socket.resetAndDestroy());
  else socket.destroy();
}

/** What `behindEnd` looks at. */
type Ending = Pick<Socket, "destroyed" | "destroy" | "writableEnded" | "writableFinished" | "writableLength">;

/**
 * Calls `reset`, but not while the end of `socket` is being sent: the runtime would report EINVAL, and leave the socket open
 * for good. That takes a turn of the event loop, or two; an end that is held up for longer is one that the peer does not
 * take, and `socket` is destroyed.
 */
export function behindEnd(socket: Ending, reset: () => void): void {
  const isEnding = () => socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (!isEnding()) {
    reset();
    return;
  }
  setImmediate(() =>
    setImmediate(() => {
      if (socket.destroyed) return;
      if (isEnding()) socket.destroy();
      else reset();
    }),
  );
}
