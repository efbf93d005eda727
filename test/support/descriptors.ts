/** Descriptors of listening sockets, to hand them down to a process. */
import type { Server } from "node:net";

/** No runtime tells it officially. */
export function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd ?? -1;
}
