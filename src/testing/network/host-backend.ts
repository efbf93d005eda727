/** The network as one of its hosts sees it. */
import { ChannelTransport } from "../../backends/channel-transport.js";
import { kindOf } from "../../describe.js";
import { NameResolutionError, NotImplementedError, OSError } from "../../errors.js";
import type { Backend, DialOptions, HostAddress, Listener } from "../../transport/backend.js";
import { showEndpoint, type Endpoint, type TcpEndpoint } from "../../transport/endpoint.js";
import { isOwn, type Host } from "./host.js";
import { LOCALHOST, type Hosts } from "./hosts.js";
import { MemoryChannel } from "./socket-channel.js";
import type { Wiring } from "./wiring.js";

/**
 * `own` is where connections come from, and what "localhost" is. `canServeAnywhere`: whether servers may be put on other
 * hosts too; a name that is not known then becomes one.
 */
export function hostBackend(hosts: Hosts, own: Host, wiring: Wiring, canServeAnywhere: boolean): Backend {
  const hostAt = (endpoint: Endpoint): Host | undefined => {
    if (endpoint.kind === "unix" || isOwn(endpoint.address)) return own;
    return hosts.at(endpoint.address);
  };

  return {
    clock: wiring.clock,
    lookupHints: 0,
    whyNot: (feature) =>
      feature === "reusePort" ? "a network in memory does not share ports (SO_REUSEPORT)" : undefined,
    async lookup(name, { family, passive }) {
      const addresses = addressesOf(hosts, name, passive && canServeAnywhere);
      return addresses.filter((entry) => family === 0 || entry.family === family);
    },
    async connect(endpoint, { signal, local }: DialOptions) {
      signal.throwIfAborted();
      const target = hostAt(endpoint);
      if (target === undefined) {
        throw new OSError(`No route to host ${showEndpoint(endpoint)}`, {
          code: "EHOSTUNREACH",
          syscall: "connect",
        });
      }
      const source = sourceFor(own, endpoint, local);
      return wiring.connect({ own, target, source, endpoint, signal });
    },
    adopt(sock) {
      if (sock instanceof MemoryChannel) return new ChannelTransport(sock);
      throw new TypeError(`A Stream Socket was expected, got ${kindOf(sock)}`);
    },
    async listen(endpoint, options): Promise<Listener> {
      const host = hostAt(endpoint);
      if (host === own || (host !== undefined && canServeAnywhere)) return host.listen(endpoint, options);
      throw addressMissing(endpoint);
    },
    async adoptListener() {
      throw new NotImplementedError("a network in memory has no listening sockets to take over");
    },
  };
}

function addressesOf(hosts: Hosts, name: string, canMakeHost: boolean): readonly HostAddress[] {
  if (name.toLowerCase() === "localhost") return LOCALHOST;
  const host = canMakeHost ? hosts.named(name) : hosts.find(name);
  if (host !== undefined) return [{ address: host.address, family: 4 }];
  throw new NameResolutionError(`getaddrinfo ENOTFOUND ${name}`, { syscall: "getaddrinfo" });
}

/** Where a connection comes from. @throws OSError if `local` is not an address of `own` */
function sourceFor(own: Host, endpoint: Endpoint, local: TcpEndpoint | undefined): Endpoint {
  if (endpoint.kind === "unix") return { kind: "unix", path: "" };
  if (local !== undefined) {
    if (!isOwn(local.address) && local.address !== own.address) throw addressMissing(local);
    return local.port === 0 ? { ...local, port: own.takePort() } : local;
  }
  const address = isOwn(endpoint.address) ? endpoint.address : own.address;
  return { kind: "tcp", family: endpoint.family, address, port: own.takePort() };
}

function addressMissing(endpoint: Endpoint): OSError {
  return new OSError(`error while attempting to bind on address ${showEndpoint(endpoint)}`, {
    code: "EADDRNOTAVAIL",
    syscall: "bind",
  });
}
