/** The servers of a soak, one or more a transport, and how a client gets to one of them. */
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import {
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  type ClientConnectedCallback,
  type Connection,
  type Server,
  type StartServerOptions,
} from "asyncio-streams";
import { portsOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";
import { temporaryFolder } from "../support/folders.js";
import type { Random } from "../support/random.js";

type Cleanup = (undo: () => unknown) => void;

/** "tls" leaves TLS to the runtime; "tls-bridged" runs it over a stream in JavaScript, which can tell a cut. */
export type TransportName = "tcp" | "unix" | "tls" | "tls-bridged";

/** More often the ones that cost less. */
export const TRANSPORTS: readonly TransportName[] = [
  "tcp",
  "tcp",
  "tcp",
  "unix",
  "unix",
  "unix",
  "tls",
  "tls-bridged",
];

/** Ports are used up one address at a time: each end of a connection that is over keeps its pair of them for a minute. */
const HOSTS = process.platform === "linux" ? [1, 2, 3, 4].map((last) => `127.0.0.${last}`) : ["127.0.0.1"];
/** All that begin at once may wait. */
const BACKLOG = 4_096;

const authority = makeAuthority();
const CONTEXTS = {
  client: createSecureContext({ ca: authority.cert }),
  server: createSecureContext({ ...authority.issue() }),
};

export interface Transports {
  readonly servers: readonly Server[];
  readonly contexts: { readonly client: SecureContext; readonly server: SecureContext };
  open(name: TransportName, random: Random, signal: AbortSignal): Promise<Connection>;
}

export async function startServers(
  cleanup: Cleanup,
  callback: ClientConnectedCallback,
  onError: NonNullable<StartServerOptions["onError"]>,
): Promise<Transports> {
  const path = join(await temporaryFolder(cleanup), "soak");
  const options = { backlog: BACKLOG, onError };
  const ssl = { secureContext: CONTEXTS.server };
  const bridged = { truncation: "report" } as const;
  const servers = {
    tcp: await startServer(callback, HOSTS, 0, options),
    unix: await startUnixServer(callback, path, options),
    tls: await startServer(callback, HOSTS, 0, { ...options, ssl }),
    "tls-bridged": await startServer(callback, HOSTS, 0, { ...options, ssl, ...bridged }),
  };
  return {
    servers: Object.values(servers),
    contexts: CONTEXTS,
    open(name, random, signal) {
      if (name === "unix") return openUnixConnection(path, { signal });
      const index = random.within(0, HOSTS.length - 1);
      const [host, port] = [HOSTS[index], portsOf(servers[name])[index]];
      if (name === "tcp") return openConnection(host, port, { signal });
      const tls = { ssl: { secureContext: CONTEXTS.client }, serverHostname: "localhost" };
      return openConnection(host, port, { signal, ...tls, ...(name === "tls" ? {} : bridged) });
    },
  };
}
