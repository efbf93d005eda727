/** A network in memory: servers and clients by name, no sockets, and faults on command. */
import { checkBoolean, checkDelay, checkFunction, checkInteger, checkOptions } from "../../checks.js";
import { kindOf } from "../../describe.js";
import { Network } from "../../transport/network.js";
import { deadlineOn, type Deadline } from "../../waiting/deadline.js";
import { Random } from "../random.js";
import { VirtualClock } from "../virtual-clock.js";
import { hostBackend } from "./host-backend.js";
import type { Host } from "./host.js";
import { Hosts } from "./hosts.js";
import type { MemoryConnection } from "./memory-connection.js";
import { Partitions } from "./partitions.js";
import { Wiring } from "./wiring.js";

/** What `memoryNetwork()` takes. */
export interface MemoryNetworkOptions {
  /** A whole number that decides all that is up to chance: equal seeds give equal runs. Default 0. */
  readonly seed?: number | undefined;
  /** How long everything takes from one end to the other, in ms. A connection stands after twice that. Default 0. */
  readonly latency?: number | undefined;
  /** Up to so many ms more, as the seed has it; the order is kept. Default 0. */
  readonly jitter?: number | undefined;
  /** Bytes per second in each direction of each connection. Default: no limit. */
  readonly bandwidth?: number | undefined;
  /** The largest piece in which bytes arrive; the sizes, from 1 on, are up to the seed. Default: as they were sent. */
  readonly fragment?: number | undefined;
  /** Bytes that a direction holds, on their way and unread, as the buffers of kernels do. Default 65 536. */
  readonly capacity?: number | undefined;
  /**
   * Whether time jumps to the next timer as soon as nothing else can happen: then a time-out of an hour passes in a
   * millisecond. `false`: time stands still but for `clock.advance()`. Default true.
   */
  readonly autoAdvance?: boolean | undefined;
  /** Called with each connection, before it carries a byte. */
  readonly onConnection?: ((connection: MemoryConnection) => void) | undefined;
}

const OPTIONS = [
  "seed",
  "latency",
  "jitter",
  "bandwidth",
  "fragment",
  "capacity",
  "autoAdvance",
  "onConnection",
] as const;

const DEFAULT_CAPACITY = 65_536;

/**
 * A network for tests. Give it as `{ network }` to `openConnection`, `startServer` and their Unix twins; the code under
 * test needs no other change.
 *
 * ```ts
 * const network = memoryNetwork({ latency: 20, fragment: 7 });
 * await startServer(serve, "db", 5432, { network });
 * const [reader, writer] = await openConnection("db", 5432, { network });
 * ```
 *
 * @throws TypeError or RangeError for wrong options
 */
export function memoryNetwork(options?: MemoryNetworkOptions): MemoryNetwork {
  const {
    seed = 0,
    latency = 0,
    jitter = 0,
    bandwidth = Infinity,
    fragment = Infinity,
    capacity = DEFAULT_CAPACITY,
    autoAdvance = true,
    onConnection = () => {},
  } = checkOptions<MemoryNetworkOptions>("memoryNetwork()", options, OPTIONS);
  const random = new Random(checkInteger("seed", seed, 0));
  const conditions = {
    latency: checkDelay("latency", latency),
    jitter: checkDelay("jitter", jitter),
    bandwidth: checkBandwidth(bandwidth),
    fragment: fragment === Infinity ? Infinity : checkInteger("fragment", fragment, 1),
    capacity: checkInteger("capacity", capacity, 1),
    clock: new VirtualClock({ autoAdvance: checkBoolean("autoAdvance", autoAdvance) }),
  };
  checkFunction("onConnection", onConnection);
  const partitions = new Partitions();
  return new MemoryNetwork(new Wiring(conditions, random, partitions, onConnection), partitions);
}

/** A network in memory, as `memoryNetwork()` makes it: hosts, their connections, faults and time. */
export class MemoryNetwork extends Network {
  /** The time that all limits of its connections go by. */
  readonly clock: VirtualClock;
  readonly #hosts: Hosts;
  readonly #partitions: Partitions;
  readonly #wiring: Wiring;

  /** Made by `memoryNetwork()`. */
  constructor(wiring: Wiring, partitions: Partitions) {
    const hosts = new Hosts();
    super(hostBackend(hosts, hosts.named("localhost"), wiring, true));
    this.#hosts = hosts;
    this.#partitions = partitions;
    this.#wiring = wiring;
    this.clock = wiring.clock;
  }

  /** The connections that are not closed at both ends, in the order of connecting. */
  get connections(): readonly MemoryConnection[] {
    return this.#wiring.connections;
  }

  /**
   * The same network as the host `name` sees it: connections come from there, and "localhost" and the paths of Unix
   * sockets are its own. Servers can be put on no other host. The network itself is the view of the host "localhost",
   * but puts servers wherever they are wanted.
   *
   * @throws TypeError or RangeError if `name` is no name
   */
  host(name: string): Network {
    return new Network(hostBackend(this.#hosts, this.#named(name), this.#wiring, false));
  }

  /**
   * Loses all that two hosts send each other, without a word: connecting hangs, connections stall. What is sent again
   * after `heal()` arrives, so nothing is missing then.
   *
   * @throws TypeError or RangeError for wrong names
   */
  partition(hostA: string, hostB: string): void {
    this.#partitions.separate(this.#named(hostA).name, this.#named(hostB).name);
  }

  /** Ends the partition of two hosts, or without names every one. What was held back arrives. */
  heal(hostA?: string, hostB?: string): void {
    if (hostA === undefined && hostB === undefined) this.#partitions.healAll();
    else this.#partitions.heal(this.#named(hostA).name, this.#named(hostB).name);
  }

  /** As `deadline()`, by the clock of this network. */
  deadline(ms: number): Deadline {
    return deadlineOn(this.clock, ms);
  }

  #named(name: unknown): Host {
    if (typeof name !== "string") throw new TypeError(`host must be a string, not ${kindOf(name)}`);
    if (name === "" || name.includes("\0"))
      throw new RangeError(`host must be a name, got ${JSON.stringify(name)}`);
    return this.#hosts.named(name);
  }
}

function checkBandwidth(value: unknown): number {
  if (typeof value !== "number")
    throw new TypeError(`bandwidth must be a number of bytes per second, not ${kindOf(value)}`);
  if (!(value > 0)) throw new RangeError(`bandwidth must be above 0, got ${value}`);
  return value;
}
