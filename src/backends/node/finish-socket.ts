/** Ends a socket so that what was written arrives, although the peer may still be sending. */
import type { Socket } from "node:net";
import type { Clock } from "../../waiting/clock.js";

/** Once all is sent, a peer that does not end is waited for until it has sent nothing for so many ms, … */
const QUIET = 1_000;
/** … or at most for so many. */
const LONGEST = 5_000;

/**
 * Sends what is buffered and the end, then destroys `socket` when the peer has ended too, or goes on being quiet. A system
 * that closes a socket with bytes unread, or gets some after that, resets the connection, and what the peer has not read by
 * then is lost: so they are taken, and dropped. `sent` is called once all is sent: an error counts for nothing from then on.
 */
export function finishSocket(socket: Socket, clock: Clock, sent: () => void): void {
  if (socket.readableEnded) {
    socket.destroySoon();
    return;
  }
  let end = Infinity;
  let quietUntil = Infinity;
  let cancelTimer = (): void => {};
  const onData = () => {
    quietUntil = clock.now() + QUIET;
  };
  const wait = () => {
    const left = Math.min(end, quietUntil) - clock.now();
    if (left <= 0) socket.destroy();
    else cancelTimer = clock.setTimer(left, wait);
  };
  const onSent = () => {
    if (socket.destroyed) return;
    sent();
    end = clock.now() + LONGEST;
    onData();
    wait();
  };
  socket.on("data", onData).once("close", () => cancelTimer());
  if (socket.writableFinished) onSent();
  else socket.once("finish", onSent);
  socket.end();
  socket.resume();
}
