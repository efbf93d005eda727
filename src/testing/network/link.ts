/** One direction of a connection in memory: what was sent, and has not arrived. */
import { systemClock, type Clock } from "../../waiting/clock.js";
import { onNextTurn } from "../event-loop.js";
import { Random } from "../random.js";

/** How a link carries what it is given. */
export interface LinkConditions {
  readonly clock: Clock;
  /** How long each packet takes, in ms, … */
  readonly latency: number;
  /** … and up to so many ms more, as chance has it. None overtakes another. */
  readonly jitter: number;
  /** Bytes per second. */
  readonly bandwidth: number;
  /** The largest piece in which bytes arrive; the sizes are up to chance. */
  readonly fragment: number;
  /** Bytes that may be on their way or unread. */
  readonly capacity: number;
}

/** What may keep a link from delivering. */
export interface Road {
  /** Whether nothing gets through. */
  isBlocked(): boolean;
  /** Calls `callback` once, when that may have changed. */
  whenChanged(callback: () => void): void;
  /** How many of the next bytes may arrive. */
  allowance(): number;
  /** Tells that so many have. */
  carried(bytes: number): void;
  /** Tells that something has arrived. */
  stirred(): void;
}

/** What is told at the far end, never within a call of it. */
export interface Receiver {
  bytesArrived(bytes: Uint8Array): void;
  endArrived(): void;
  resetArrived(): void;
}

/** Everything arrives at once and as it was sent. */
const PLAIN: LinkConditions = {
  clock: systemClock,
  latency: 0,
  jitter: 0,
  bandwidth: Infinity,
  fragment: Infinity,
  capacity: 65_536,
};

const OPEN_ROAD: Road = {
  isBlocked: () => false,
  whenChanged() {},
  allowance: () => Infinity,
  carried() {},
  stirred() {},
};

interface Packet {
  readonly content: Uint8Array | "end" | "reset";
  /** The earliest moment: it also waits for those before it. */
  readonly arrival: number;
}

export class Link {
  readonly conditions: LinkConditions;
  readonly #random: Random;
  readonly #road: Road;
  #receiver: Receiver | undefined;
  /** In the order of sending, which is that of arrival. What is before `#first` has arrived. */
  #packets: Packet[] = [];
  #first = 0;
  #bytesInFlight = 0;
  /** When what was sent so far has left, by the bandwidth. */
  #departure = 0;
  #isPumpDue = false;
  #cancelTimer: (() => void) | undefined;

  constructor(conditions: LinkConditions = PLAIN, random: Random = new Random(0), road: Road = OPEN_ROAD) {
    this.conditions = conditions;
    this.#random = random;
    this.#road = road;
  }

  /** Bytes that are on their way. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  // For the end that sends.

  /** Who hears of what arrives. Called once and first. */
  leadTo(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  /** Takes `bytes` over. */
  send(bytes: Uint8Array): void {
    const { fragment } = this.conditions;
    for (let start = 0; start < bytes.length;) {
      const size = fragment === Infinity ? bytes.length : this.#random.within(1, fragment);
      this.#enqueue(bytes.subarray(start, start + size));
      start += size;
    }
    this.#pump();
  }

  /** Our direction has ended. */
  sendEnd(): void {
    this.#enqueue("end");
    this.#pump();
  }

  /** The connection is reset, behind what is on its way. */
  sendReset(): void {
    this.#enqueue("reset");
    this.#pump();
  }

  /** The connection is reset now; what was on its way is lost. */
  cut(): void {
    this.#cancelTimer?.();
    this.#packets = [];
    this.#first = 0;
    this.#bytesInFlight = 0;
    this.#receiver!.resetArrived();
  }

  // Steps.

  #enqueue(content: Packet["content"]): void {
    const { clock, latency, jitter, bandwidth } = this.conditions;
    const size = typeof content === "string" ? 0 : content.length;
    this.#departure = Math.max(this.#departure, clock.now()) + (size * 1000) / bandwidth;
    const chance = jitter === 0 ? 0 : jitter * this.#random.fraction();
    this.#packets.push({ content, arrival: this.#departure + latency + chance });
    this.#bytesInFlight += size;
  }

  /** Delivers what has arrived by now; bytes in pieces one a turn, so that who reads sees each. */
  #pump(): void {
    if (this.#isPumpDue) return;
    while (this.#first < this.#packets.length) {
      if (this.#road.isBlocked()) {
        this.#road.whenChanged(this.#onChange);
        return;
      }
      const packet = this.#packets[this.#first]!;
      const wait = packet.arrival - this.conditions.clock.now();
      if (wait > 0) {
        this.#pumpAfter(wait);
        return;
      }
      this.#first++;
      this.#dropArrived();
      this.#deliver(packet.content);
      if (this.conditions.fragment !== Infinity) {
        this.#isPumpDue = true;
        onNextTurn(this.#onTurn);
        return;
      }
    }
  }

  #deliver(content: Packet["content"]): void {
    this.#road.stirred();
    if (content === "end") this.#receiver!.endArrived();
    else if (content === "reset") this.#receiver!.resetArrived();
    else {
      this.#bytesInFlight -= content.length;
      const bytes = content.subarray(0, this.#road.allowance());
      if (bytes.length > 0) this.#receiver!.bytesArrived(bytes);
      this.#road.carried(bytes.length);
    }
  }

  #dropArrived(): void {
    if (this.#first < this.#packets.length && this.#first < 1_000) return;
    this.#packets.splice(0, this.#first);
    this.#first = 0;
  }

  readonly #onChange = (): void => this.#pump();

  readonly #onTurn = (): void => {
    this.#isPumpDue = false;
    this.#road.stirred();
    this.#pump();
  };

  #pumpAfter(wait: number): void {
    this.#cancelTimer ??= this.conditions.clock.setTimer(wait, () => {
      this.#cancelTimer = undefined;
      this.#pump();
    });
  }
}
