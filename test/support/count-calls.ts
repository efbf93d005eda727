/** Counts what a socket asks of the system. */
import type { Socket } from "node:net";

/** Writes, and each setting of TCP_NODELAY. To be called before a connection takes the socket over. */
export function countCalls(sock: Socket): { calls: number; noDelay: boolean[] } {
  const counts = { calls: 0, noDelay: [] as boolean[] };
  const write = sock._write.bind(sock);
  const writev = sock._writev?.bind(sock);
  const setNoDelay = sock.setNoDelay.bind(sock);
  sock._write = (...args) => {
    counts.calls++;
    write(...args);
  };
  if (writev) {
    sock._writev = (...args) => {
      const before = counts.calls;
      writev(...args);
      // It may be made of the other one.
      counts.calls = before + 1;
    };
  }
  sock.setNoDelay = (on = true) => {
    counts.noDelay.push(on);
    return setNoDelay(on);
  };
  return counts;
}
