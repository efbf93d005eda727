/** Makes the connections of a network, and keeps those that live. */
import { ChannelTransport } from "../../backends/channel-transport.js";
import type { Endpoint } from "../../transport/endpoint.js";
import type { StartableTransport } from "../../transport/transport.js";
import type { Random } from "../random.js";
import type { VirtualClock } from "../virtual-clock.js";
import type { Host } from "./host.js";
import type { LinkConditions } from "./link.js";
import { MemoryConnection } from "./memory-connection.js";
import type { Partitions } from "./partitions.js";
import { MemoryChannel } from "./socket-channel.js";

/** What all connections of a network have in common. */
export interface NetworkConditions extends LinkConditions {
  readonly clock: VirtualClock;
}

/** One attempt to connect. */
export interface Call {
  readonly own: Host;
  readonly target: Host;
  /** Where it comes from, and where it goes. */
  readonly source: Endpoint;
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal;
}

export class Wiring {
  readonly clock: VirtualClock;
  readonly #conditions: NetworkConditions;
  readonly #random: Random;
  readonly #partitions: Partitions;
  readonly #onConnection: (connection: MemoryConnection) => void;
  readonly #connections = new Set<MemoryConnection>();

  /** `onConnection` hears of each connection before it carries anything. */
  constructor(
    conditions: NetworkConditions,
    random: Random,
    partitions: Partitions,
    onConnection: (connection: MemoryConnection) => void,
  ) {
    this.clock = conditions.clock;
    this.#conditions = conditions;
    this.#random = random;
    this.#partitions = partitions;
    this.#onConnection = onConnection;
  }

  /** Those of which an end is not closed, in the order of connecting. */
  get connections(): readonly MemoryConnection[] {
    return [...this.#connections];
  }

  /** The call goes there and its answer back; aborted, it leaves nothing. @throws what the target's host says */
  async connect(call: Call): Promise<StartableTransport> {
    const { target, endpoint } = call;
    const random = this.#random.fork();
    await this.#travel(call, random);
    let channel: MemoryChannel | undefined;
    let refusal: unknown;
    try {
      const listener = target.listenerAt(endpoint);
      const [client, server] = this.#connect(call, random);
      channel = client;
      listener.connectionMade(new ChannelTransport(server));
    } catch (error) {
      refusal = error;
    }
    try {
      await this.#travel(call, random);
    } catch (error) {
      channel?.destroy();
      throw error;
    }
    if (channel === undefined) throw refusal;
    return new ChannelTransport(channel);
  }

  #connect({ own, target, source, endpoint }: Call, random: Random): [MemoryChannel, MemoryChannel] {
    const route = {
      from: own.name,
      to: target.name,
      port: endpoint.kind === "tcp" ? endpoint.port : undefined,
      path: endpoint.kind === "unix" ? endpoint.path : undefined,
    };
    const stirred = () => this.clock.stir();
    const connection = new MemoryConnection(route, this.#conditions, random, this.#partitions, stirred);
    let open = 2;
    const onClosed = () => {
      stirred();
      if (--open === 0) this.#connections.delete(connection);
    };
    const links = MemoryConnection.linksOf(connection);
    const ends = MemoryChannel.pair(source, endpoint, { links, onClosed });
    this.#connections.add(connection);
    this.#onConnection(connection);
    return ends;
  }

  /** One way between two hosts, as long as it takes. Without latency, and where nothing is in the way, no turn passes. */
  async #travel({ own, target, signal }: Call, random: Random): Promise<void> {
    this.clock.stir();
    const { latency, jitter } = this.#conditions;
    const delay = latency + jitter * random.fraction();
    if (delay > 0) await abortable(signal, (done) => this.clock.setTimer(delay, done));
    while (this.#partitions.areSeparate(own.name, target.name)) {
      await abortable(signal, (done) => this.#partitions.whenChanged(done));
    }
    signal.throwIfAborted();
    this.clock.stir();
  }
}

/** Waits until `done` is called; aborted, it calls what `wait` returned. */
function abortable(signal: AbortSignal, wait: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      stop();
      signal.removeEventListener("abort", onAbort);
      reject(signal.reason);
    };
    const stop = wait(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort);
  });
}
