/** Finds a write that the runtime's TLS engine has lost. */
import type { Socket } from "node:net";

/** Turns of the event loop in which a write goes on that nothing holds up. */
const TURNS = 10;

/**
 * Calls `lost` if `secured` waits for a write that will never be done. When the engine writes in its own account, as the
 * tickets of a handshake, and the peer is gone, Node.js 20 forgets that this has failed, and takes it for under way for good:
 * what is written then waits for it. One sees that the system holds nothing back, and that nothing moves.
 */
export function watchLostWrite(secured: Socket, below: Socket, lost: () => void): void {
  const before = below.bytesWritten;
  let left = TURNS;
  const look = () => {
    const isMoving = secured.writableLength === 0 || below.bytesWritten > before;
    if (secured.destroyed || isMoving || queueSize(below) !== 0) return;
    if (--left === 0) lost();
    else setImmediate(look);
  };
  look();
}

/** Bytes that the system has not taken; `undefined` where the runtime does not tell. */
function queueSize(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize;
}
