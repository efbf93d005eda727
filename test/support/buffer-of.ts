/** What feeds a reader, as the protocol of a connection has it. */
import { StreamReader } from "asyncio-streams";
import type { ReceiveBuffer } from "#src/streams/receive-buffer.js";

export function bufferOf(reader: StreamReader): ReceiveBuffer {
  return (StreamReader as unknown as { bufferOf(of: StreamReader): ReceiveBuffer }).bufferOf(reader);
}
