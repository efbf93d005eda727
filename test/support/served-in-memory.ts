/** A server in memory, whose time a test moves. */
import type {
  ClientConnectedCallback,
  Connection,
  ConnectionContext,
  Server,
  StartServerOptions,
} from "asyncio-streams";
import { createMemoryBackend } from "#src/backends/memory/backend.js";
import { openConnectionOver } from "#src/open-connection.js";
import { startServerOver } from "#src/start-server.js";
import { portOf } from "./addresses.js";
import { FakeClock } from "./fake-clock.js";

/** What the callback was called with. */
type Call = Parameters<ClientConnectedCallback>;

export interface ServedInMemory {
  readonly server: Server;
  readonly clock: FakeClock;
  readonly calls: readonly Call[];
  readonly contexts: readonly ConnectionContext[];
  readonly connect: () => Promise<Connection>;
}

/** The connections stay open, unless `callback` says otherwise. `null` for none. */
export async function servedInMemory(
  options?: StartServerOptions,
  callback: ClientConnectedCallback | null = () => {},
): Promise<ServedInMemory> {
  const clock = new FakeClock();
  const backend = createMemoryBackend({ clock });
  const calls: Call[] = [];
  const contexts: ConnectionContext[] = [];
  const keep: ClientConnectedCallback = (...call) => {
    calls.push(call);
    contexts.push(call[2]);
    return callback!(...call);
  };
  const server = await startServerOver(backend, callback && keep, "127.0.0.1", 0, options);
  const port = portOf(server);
  return { server, clock, calls, contexts, connect: () => openConnectionOver(backend, "127.0.0.1", port) };
}
