/** Connections with TLS on them, over a socket. */
import { openConnection, startServer, type Connection } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import type { Authority } from "../support/certificates.js";

type Halves = Pick<Connection, "reader" | "writer">;

/** Both are aborted after the running test. */
export async function tlsConnections(
  cleanup: (undo: () => unknown) => void,
  authority: Authority,
): Promise<{ client: Connection; server: Halves }> {
  let accept!: (halves: Halves) => void;
  const accepted = new Promise<Halves>((resolve) => (accept = resolve));
  const listening = await startServer((reader, writer) => accept({ reader, writer }), "127.0.0.1", 0, {
    ssl: authority.issue(),
    autoClose: false,
  });
  cleanup(() => {
    listening.close();
    listening.abortClients();
    return listening.waitClosed();
  });
  const client = await openConnection("127.0.0.1", portOf(listening), { ssl: { ca: authority.cert } });
  cleanup(() => client.writer.transport.abort());
  return { client, server: await accepted };
}
