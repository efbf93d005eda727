/** A connection of a network in memory, as a test has hold of it: what may befall it. */
import { checkInteger, checkOneOf } from "../../checks.js";
import { Link, type LinkConditions, type Road } from "./link.js";
import type { Partitions } from "./partitions.js";
import type { Random } from "../random.js";

/** A direction of a connection: to who listened, or to who connected. */
export type Direction = "toServer" | "toClient";

const DIRECTIONS = ["toServer", "toClient"] as const;

/** Where a connection leads. */
export interface ConnectionRoute {
  /** The name of the host that connected. */
  readonly from: string;
  /** The name of the host that listened. */
  readonly to: string;
  /** The port that was connected to; `undefined` for a Unix socket. */
  readonly port: number | undefined;
  /** The path of a Unix socket. */
  readonly path: string | undefined;
}

interface Lane {
  readonly link: Link;
  carried: number;
  isStalled: boolean;
}

/** A connection over a network in memory, for whoever wants to disturb it. */
export class MemoryConnection implements ConnectionRoute {
  readonly from: string;
  readonly to: string;
  readonly port: number | undefined;
  readonly path: string | undefined;
  readonly #partitions: Partitions;
  readonly #lanes: Readonly<Record<Direction, Lane>>;
  readonly #cuts: { readonly directions: readonly Direction[]; readonly bytes: number }[] = [];
  #isDead = false;

  /** Made by the network. `stirred` is told of each arrival. */
  constructor(
    { from, to, port, path }: ConnectionRoute,
    conditions: LinkConditions,
    random: Random,
    partitions: Partitions,
    stirred: () => void,
  ) {
    this.from = from;
    this.to = to;
    this.port = port;
    this.path = path;
    this.#partitions = partitions;
    const lane = (direction: Direction): Lane => ({
      link: new Link(conditions, random.fork(), this.#road(direction, stirred)),
      carried: 0,
      isStalled: false,
    });
    this.#lanes = { toServer: lane("toServer"), toClient: lane("toClient") };
  }

  /** Resets the connection now. Both ends get a ConnectionResetError behind the bytes that have arrived; those on their way are lost. */
  reset(): void {
    for (const direction of DIRECTIONS) this.#lanes[direction].link.cut();
  }

  /**
   * Resets the connection as soon as `bytes` bytes have arrived since it was made: exactly so many, and no further one.
   * They are counted in one direction, or without `direction` in both together.
   *
   * @throws TypeError or RangeError for wrong arguments
   */
  resetAfter(bytes: number, direction?: Direction): void {
    this.#cuts.push({ directions: toDirections(direction), bytes: checkInteger("bytes", bytes, 0) });
    this.#cutIfDue();
  }

  /**
   * Nothing arrives any more, in one direction or both, until `resume()`; neither does an end or a reset. Nothing is lost,
   * and who writes is held back once `capacity` bytes are on their way.
   */
  stall(direction?: Direction): void {
    for (const stalled of toDirections(direction)) this.#lanes[stalled].isStalled = true;
  }

  /** Undoes `stall()`: what was held back arrives. */
  resume(direction?: Direction): void {
    for (const resumed of toDirections(direction)) this.#lanes[resumed].isStalled = false;
    this.#partitions.changed();
  }

  /**
   * From now on nothing arrives at either end, for good, and no end is told: as when a machine loses its power, or a
   * firewall forgets the connection. Each end can still close for itself.
   */
  halfOpen(): void {
    this.#isDead = true;
  }

  /** For the network: the links of both directions. @internal */
  static linksOf(connection: MemoryConnection): [there: Link, back: Link] {
    return [connection.#lanes.toServer.link, connection.#lanes.toClient.link];
  }

  #road(direction: Direction, stirred: () => void): Road {
    return {
      isBlocked: () =>
        this.#isDead || this.#lanes[direction].isStalled || this.#partitions.areSeparate(this.from, this.to),
      whenChanged: (callback) => void this.#partitions.whenChanged(callback),
      allowance: () => {
        const left = this.#cuts
          .filter(({ directions }) => directions.includes(direction))
          .map((cut) => cut.bytes - this.#carried(cut.directions));
        return Math.min(...left);
      },
      carried: (bytes) => {
        this.#lanes[direction].carried += bytes;
        this.#cutIfDue();
      },
      stirred,
    };
  }

  #cutIfDue(): void {
    const due = this.#cuts.filter(({ directions, bytes }) => this.#carried(directions) >= bytes);
    if (due.length === 0) return;
    this.#cuts.length = 0;
    this.reset();
  }

  #carried(directions: readonly Direction[]): number {
    return directions.reduce((sum, direction) => sum + this.#lanes[direction].carried, 0);
  }
}

function toDirections(direction: unknown): readonly Direction[] {
  return direction === undefined ? DIRECTIONS : [checkOneOf("direction", direction, DIRECTIONS)];
}
