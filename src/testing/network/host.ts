/** One host of a network: its address, and who listens there. */
import { ConnectionRefusedError, FileNotFoundError, OSError } from "../../errors.js";
import type { ListenOptions } from "../../transport/backend.js";
import { showEndpoint, type Endpoint, type TcpEndpoint } from "../../transport/endpoint.js";
import { MemoryListener } from "./listener.js";

/** Where the ports begin that are given to who asks for none. */
const FIRST_FREE_PORT = 49_152;
const LAST_PORT = 65_535;

export class Host {
  readonly name: string;
  readonly address: string;
  readonly #ports: MemoryListener[] = [];
  /** `undefined`: the file is there, and nobody listens. */
  readonly #paths = new Map<string, MemoryListener | undefined>();
  #nextPort = FIRST_FREE_PORT;

  constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
  }

  /** @throws OSError if the address is in use */
  listen(wanted: Endpoint, { backlog, cleanupSocket }: ListenOptions): MemoryListener {
    return wanted.kind === "tcp"
      ? this.#listenAtPort(wanted, backlog)
      : this.#listenAtPath(wanted.path, backlog, cleanupSocket);
  }

  /** @throws ConnectionRefusedError if nobody listens there, FileNotFoundError for a path where nothing is */
  listenerAt(endpoint: Endpoint): MemoryListener {
    const found = endpoint.kind === "tcp" ? this.#atPort(endpoint) : this.#paths.get(endpoint.path);
    if (found !== undefined) return found;
    if (endpoint.kind === "unix" && !this.#paths.has(endpoint.path)) {
      throw new FileNotFoundError(`No such file or directory: ${showEndpoint(endpoint)}`, {
        syscall: "connect",
        path: endpoint.path,
      });
    }
    const { address, port } = endpoint.kind === "tcp" ? endpoint : { address: undefined, port: undefined };
    throw new ConnectionRefusedError(`Connect call failed ${showEndpoint(endpoint)}`, {
      syscall: "connect",
      address,
      port,
    });
  }

  /** A port for a connection that goes out. */
  takePort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === LAST_PORT ? FIRST_FREE_PORT : port + 1;
    return port;
  }

  #listenAtPort(wanted: TcpEndpoint, backlog: number): MemoryListener {
    const endpoint = wanted.port === 0 ? this.#withFreePort(wanted) : wanted;
    if (this.#ports.some(({ endpoint: other }) => overlap(endpoint, other as TcpEndpoint))) {
      throw new OSError(`error while attempting to bind on address ${showEndpoint(endpoint)}`, {
        code: "EADDRINUSE",
        syscall: "bind",
      });
    }
    const listener = new MemoryListener(endpoint, backlog, () => {
      this.#ports.splice(this.#ports.indexOf(listener), 1);
    });
    this.#ports.push(listener);
    return listener;
  }

  #withFreePort(wanted: TcpEndpoint): TcpEndpoint {
    for (;;) {
      const port = this.takePort();
      if (this.#ports.every(({ endpoint }) => (endpoint as TcpEndpoint).port !== port))
        return { ...wanted, port };
    }
  }

  /** Who listens there already is replaced, as on POSIX. */
  #listenAtPath(path: string, backlog: number, cleanup: boolean): MemoryListener {
    const listener = new MemoryListener({ kind: "unix", path }, backlog, () => {
      if (this.#paths.get(path) !== listener) return;
      if (cleanup) this.#paths.delete(path);
      else this.#paths.set(path, undefined);
    });
    this.#paths.set(path, listener);
    return listener;
  }

  #atPort(endpoint: TcpEndpoint): MemoryListener | undefined {
    return this.#ports.find((listener) => overlap(listener.endpoint as TcpEndpoint, endpoint));
  }
}

/** Whether both stand for one address and port. */
function overlap(one: TcpEndpoint, other: TcpEndpoint): boolean {
  if (one.port !== other.port || one.family !== other.family) return false;
  return one.address === other.address || isAny(one.address) || isAny(other.address);
}

function isAny(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** Whether an address stands for the host itself, whichever that is. */
export function isOwn(address: string): boolean {
  return isAny(address) || address === "::1" || address.startsWith("127.");
}
