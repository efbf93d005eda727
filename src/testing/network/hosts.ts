/** The hosts of a network, by name and by address. */
import type { HostAddress } from "../../transport/backend.js";
import { Host } from "./host.js";

export class Hosts {
  readonly #byName = new Map<string, Host>();
  readonly #byAddress = new Map<string, Host>();

  /** Names are as those of DNS: upper and lower case do not differ. */
  find(name: string): Host | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  at(address: string): Host | undefined {
    return this.#byAddress.get(address);
  }

  /** The host of that name; a new one if it is not known. */
  named(name: string): Host {
    const known = this.find(name);
    if (known !== undefined) return known;
    const number = this.#byName.size + 1;
    const address = [10, number >> 16, (number >> 8) & 255, number & 255].join(".");
    const host = new Host(name.toLowerCase(), address);
    this.#byName.set(host.name, host);
    this.#byAddress.set(address, host);
    return host;
  }
}

/** What "localhost" stands for, on each host. */
export const LOCALHOST: readonly HostAddress[] = [
  { address: "::1", family: 6 },
  { address: "127.0.0.1", family: 4 },
];
