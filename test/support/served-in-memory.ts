/** A server in memory, whose time a test moves. */
import {
  openConnection,
  startServer,
  type ClientConnectedCallback,
  type Connection,
  type ConnectionContext,
  type Server,
  type StartServerOptions,
} from "asyncio-streams";
import { memoryNetwork, type VirtualClock } from "asyncio-streams/testing";
import { portOf } from "./addresses.js";

/** What the callback was called with. */
type Call = Parameters<ClientConnectedCallback>;

export interface ServedInMemory {
  readonly server: Server;
  readonly clock: VirtualClock;
  readonly calls: readonly Call[];
  readonly contexts: readonly ConnectionContext[];
  readonly connect: () => Promise<Connection>;
}

/** The connections stay open, unless `callback` says otherwise. `null` for none. */
export async function servedInMemory(
  options?: StartServerOptions,
  callback: ClientConnectedCallback | null = () => {},
): Promise<ServedInMemory> {
  const network = memoryNetwork({ autoAdvance: false });
  const { clock } = network;
  const calls: Call[] = [];
  const contexts: ConnectionContext[] = [];
  const keep: ClientConnectedCallback = (...call) => {
    calls.push(call);
    contexts.push(call[2]);
    return callback!(...call);
  };
  const server = await startServer(callback && keep, "127.0.0.1", 0, { ...options, network });
  const port = portOf(server);
  return { server, clock, calls, contexts, connect: () => openConnection("127.0.0.1", port, { network }) };
}
