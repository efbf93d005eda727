/** Keeps failed writes from ending a socket too early. */
import type { Socket } from "node:net";

type WriteCallback = (error?: Error | null) => void;

/**
 * A failed write would make the runtime destroy the socket, with all that the peer had sent and nobody has read yet. So
 * its error is kept from the runtime, and told to `failed`, who destroys the socket when that is delivered.
 */
export function keepWriteErrors(socket: Socket, failed: (error: Error) => void): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  let callback: WriteCallback = () => {};
  // A runtime may call `_write` again for the same chunk, and then hands `onDone` itself back.
  const onDone: WriteCallback = (error) => {
    if (error) failed(error);
    else callback();
  };
  socket._write = (chunk, encoding, done) => {
    if (done !== onDone) callback = done;
    write(chunk, encoding, onDone);
  };
  if (writev === undefined) return;
  socket._writev = (chunks, done) => {
    if (done !== onDone) callback = done;
    writev(chunks, onDone);
  };
}
