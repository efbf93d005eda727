/** How the streams of others write to a connection. */
import { ConnectionResetError } from "../errors.js";
import type { StreamWriter } from "../streams/stream-writer.js";
import type { BytesLike } from "../transport/transport.js";

/**
 * Succeeds once the kernel has it, so that the memory may be used again: for this the high mark has to be 0. A connection
 * that is closed meanwhile may lose it, which `drain()` alone does not tell.
 *
 * @throws ConnectionResetError, or the error with which the connection was lost
 */
export async function send(writer: StreamWriter, chunks: readonly BytesLike[]): Promise<void> {
  writer.writeLines(chunks);
  await writer.drain();
  if (writer.isClosing()) throw new ConnectionResetError("The connection was closed before all was sent");
}
