/** A network in memory: no sockets, and no time passes. For tests of everything above the backends. */
import { kindOf } from "../../describe.js";
import { ConnectionRefusedError, NameResolutionError, NotImplementedError, OSError } from "../../errors.js";
import type { Backend, HostAddress } from "../../transport/backend.js";
import { systemClock, type Clock } from "../../waiting/clock.js";
import { showEndpoint, type Endpoint } from "../../transport/endpoint.js";
import { ChannelTransport } from "../channel-transport.js";
import { MemoryListener } from "./listener.js";
import { MemoryChannel } from "./socket-channel.js";

export interface MemoryBackendOptions {
  /** Addresses by host name, besides `localhost`. */
  readonly hosts?: Readonly<Record<string, readonly HostAddress[]>>;
  readonly clock?: Clock;
}

const LOCALHOST: readonly HostAddress[] = [
  { address: "::1", family: 6 },
  { address: "127.0.0.1", family: 4 },
];

export function createMemoryBackend({ hosts = {}, clock = systemClock }: MemoryBackendOptions = {}): Backend {
  const listeners = new Map<string, MemoryListener>();
  let nextPort = 49_152;

  const named = (endpoint: Endpoint): Endpoint =>
    endpoint.kind === "tcp" && endpoint.port === 0 ? { ...endpoint, port: nextPort++ } : endpoint;

  return {
    clock,
    lookupHints: 0,
    whyNot: () => undefined,
    async lookup(host, { family }) {
      const found = host === "localhost" ? LOCALHOST : hosts[host];
      if (found === undefined) throw new NameResolutionError(`getaddrinfo ENOTFOUND ${host}`);
      return found.filter((entry) => family === 0 || entry.family === family);
    },
    async connect(endpoint, { signal, local }) {
      signal.throwIfAborted();
      const listener = listeners.get(showEndpoint(endpoint));
      if (listener === undefined)
        throw new ConnectionRefusedError(`Connect call failed ${showEndpoint(endpoint)}`);
      return listener.connect(
        local ?? named(endpoint.kind === "tcp" ? { ...endpoint, port: 0 } : { kind: "unix", path: "" }),
      );
    },
    adopt(sock) {
      if (sock instanceof MemoryChannel) return new ChannelTransport(sock);
      throw new TypeError(`A Stream Socket was expected, got ${kindOf(sock)}`);
    },
    async listen(wanted, { backlog }) {
      const endpoint = named(wanted);
      const name = showEndpoint(endpoint);
      if (listeners.has(name)) {
        throw new OSError(`error while attempting to bind on address ${name}`, {
          code: "EADDRINUSE",
          syscall: "bind",
        });
      }
      const listener = new MemoryListener(endpoint, backlog, () => listeners.delete(name));
      listeners.set(name, listener);
      return listener;
    },
    async adoptListener() {
      throw new NotImplementedError("a network in memory has no listening sockets to take over");
    },
  };
}
