/**
 * Many conversations at once, for as long as is asked: each over a transport, about something, and with an end or a
 * disturbance that chance decides. Now and then all come to their end, and nothing may be left of them then.
 */
import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { performance } from "node:perf_hooks";
import type { StreamReader, StreamWriter } from "asyncio-streams";
import { watchResources } from "../support/open-resources.js";
import { Random } from "../support/random.js";
import { turns } from "../support/turns.js";
import {
  CONVERSATIONS,
  LARGEST,
  OFFSETS,
  PlannedFailure,
  type Conversation,
  type Streams,
  type Topic,
} from "./conversations.js";
import { sampleMemory, type MemorySample } from "./memory.js";
import { startServers, TRANSPORTS, type TransportName, type Transports } from "./transports.js";

export interface SoakOptions {
  /** How long new rounds begin, in ms. */
  readonly duration: number;
  readonly seed: number;
  /** How many at once. */
  readonly connections: number;
  /** Called behind each conversation. For tests of the soak. */
  readonly afterEach?: (() => void) | undefined;
}

export interface SoakReport {
  readonly seed: number;
  /** In ms. */
  readonly took: number;
  readonly connections: number;
  /** That were checked, whole conversations only. */
  readonly bytes: number;
  readonly byTransport: Readonly<Record<string, number>>;
  readonly byConversation: Readonly<Record<string, number>>;
  /** Errors of conversations that were disturbed, and of callbacks that failed on purpose, by their name. */
  readonly expectedErrors: Readonly<Record<string, number>>;
  /** One when nothing was under way, some after each other. */
  readonly samples: readonly MemorySample[];
  /** What must not be. The first ones. */
  readonly problems: readonly string[];
}

/** What may come of a disturbance, at either end. A wrong byte never may. */
const OF_DISTURBANCES = new Set([
  "AbortError",
  "BrokenPipeError",
  "ConnectionAbortedError",
  "ConnectionResetError",
  "CutShortError",
  "IncompleteReadError",
]);

/** So many times all come to their end, if that is not too often. */
const ROUNDS = 24;
/** Growth can be told from. */
const FEWEST_ROUNDS = 4;
const SHORTEST_ROUND = 250;
const LONGEST_ROUND = 15_000;
/** In ms: what goes on for so much longer than it should hangs. */
const HANG = 60_000;
const MOST_PROBLEMS = 20;

/** In how many of a hundred conversations something comes between. */
const DISTURBED = 40;
const MOST_TURNS = 40;

/** How an end brings a conversation to its end before its time. */
type Disturbance = "abort" | "reset" | "close";

/** A conversation as both its ends know it. The server knows it by the line that comes first. */
interface Talk {
  readonly conversation: Conversation;
  readonly topic: Topic;
  readonly disturbs: "client" | "server" | undefined;
  readonly how: Disturbance;
  readonly turns: number;
  /** How it went for the server. */
  served: Promise<void> | undefined;
}

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const undos: (() => unknown)[] = [];
  await openReserve();
  const before = descriptors();
  const nothingElse = await watchResources();
  const soak = new Soak(options);
  try {
    await soak.run((undo) => void undos.push(undo));
  } finally {
    for (const undo of undos.toReversed()) await undo();
  }
  await soak.demand("at the end", nothingElse);
  const after = descriptors();
  if (after.length !== before.length) {
    soak.problem(`${after.length} descriptors instead of ${before.length}: ${after.join(" ")}`);
  }
  return soak.report();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #random: Random;
  #startedAt = performance.now();
  #transports!: Transports;
  readonly #talks = new Map<string, Talk>();
  #next = 0;
  #connections = 0;
  #bytes = 0;
  readonly #byTransport: Record<string, number> = {};
  readonly #byConversation: Record<string, number> = {};
  readonly #expectedErrors: Record<string, number> = {};
  readonly #samples: MemorySample[] = [];
  readonly #problems: string[] = [];

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  report(): SoakReport {
    return {
      seed: this.#options.seed,
      took: this.#now(),
      connections: this.#connections,
      bytes: this.#bytes,
      byTransport: this.#byTransport,
      byConversation: this.#byConversation,
      expectedErrors: this.#expectedErrors,
      samples: this.#samples,
      problems: this.#problems,
    };
  }

  problem(text: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(text);
  }

  async demand(when: string, check: () => Promise<void>): Promise<void> {
    await check().catch((error: unknown) => this.problem(`${when}: ${String(error)}`));
  }

  async run(cleanup: (undo: () => unknown) => void): Promise<void> {
    const { duration } = this.#options;
    this.#transports = await startServers(
      cleanup,
      (reader, writer) => this.#serve(reader, writer),
      (error) => this.#note(error, true),
    );
    const round = Math.min(LONGEST_ROUND, Math.max(SHORTEST_ROUND, duration / ROUNDS));
    const nothingElse = await watchResources();
    this.#startedAt = performance.now();
    while (this.#problems.length === 0 && (this.#now() < duration || this.#samples.length < FEWEST_ROUNDS)) {
      await this.#runRound(this.#now() + round);
      await this.demand("between two rounds", nothingElse);
      this.#samples.push(await sampleMemory(this.#now()));
    }
    for (const server of this.#transports.servers) {
      const { aborted } = await server.shutdown();
      if (aborted > 0) this.problem(`${aborted} connections had to be aborted at the end`);
    }
  }

  // One after the other, many times at once.

  async #runRound(end: number): Promise<void> {
    const workers = Array.from({ length: this.#options.connections }, async () => {
      const random = new Random(this.#random.within(0, 2 ** 32 - 1));
      do await this.#converse(random);
      while (this.#now() < end);
    });
    let timer: NodeJS.Timeout | undefined;
    const hanging = new Promise<void>((resolve) => {
      timer = setTimeout(
        () => {
          this.problem(`${this.#talks.size} conversations hang`);
          resolve();
        },
        end - this.#now() + HANG,
      );
    });
    await Promise.race([Promise.all(workers), hanging]);
    clearTimeout(timer);
  }

  async #converse(random: Random): Promise<void> {
    const transport = random.pick(TRANSPORTS);
    const [name, talk] = this.#chooseTalk(random, transport);
    const id = String(this.#next++);
    this.#talks.set(id, talk);
    this.#connections++;
    count(this.#byTransport, transport);
    count(this.#byConversation, name);
    try {
      await this.#connectAndTalk(random, transport, id, talk);
      if (talk.disturbs === undefined) {
        await talk.served;
        this.#bytes += talk.conversation.bytes(talk.topic);
      }
      this.#options.afterEach?.();
    } catch (error) {
      this.#note(error, talk.disturbs !== undefined, `${name} over ${transport}`);
    }
    this.#talks.delete(id);
  }

  #chooseTalk(random: Random, transport: TransportName): [string, Talk] {
    const isPlain = transport === "tcp" || transport === "unix";
    const possible = Object.entries(CONVERSATIONS).filter(([, { plainOnly }]) => isPlain || !plainOnly);
    const [name, conversation] = random.pick(possible);
    // Few are large: most of a soak is connecting.
    const size = random.within(0, 19) === 0 ? random.within(10_000, LARGEST) : random.within(1_000, 10_000);
    const { client, server } = this.#transports.contexts;
    const tls = {
      client: { secureContext: client },
      server: { secureContext: server },
      options: { serverHostname: "localhost", truncation: random.pick(["ignore", "report"] as const) },
    };
    return [
      name,
      {
        conversation,
        topic: { size, offset: random.within(0, OFFSETS - 1), tls },
        disturbs: random.within(1, 100) > DISTURBED ? undefined : random.pick(["client", "server"]),
        how: random.pick(["abort", "reset", "close"]),
        turns: random.within(0, MOST_TURNS),
        served: undefined,
      },
    ];
  }

  // The two ends.

  async #connectAndTalk(random: Random, transport: TransportName, id: string, talk: Talk): Promise<void> {
    const giveUp = new AbortController();
    const { conversation, topic } = talk;
    const disturbing = talk.disturbs === "client";
    // A third of those that the client disturbs do not even wait for the connection.
    if (disturbing && random.within(0, 2) === 0) void turns(talk.turns).then(() => giveUp.abort());
    const streams = await this.#transports.open(transport, random, giveUp.signal);
    const { writer } = streams;
    try {
      writer.write(`${id}\n`);
      if (disturbing) disturb(streams, talk);
      await conversation.client(streams, topic);
    } finally {
      writer.close();
      await ended(writer, talk);
    }
  }

  async #serve(reader: StreamReader, writer: StreamWriter): Promise<void> {
    const line = await reader.readLine();
    const talk = this.#talks.get(line.toString().trimEnd());
    // Its client has given up in the middle of the line, or before.
    if (talk === undefined) return;
    if (talk.disturbs === "server") disturb({ reader, writer }, talk);
    const serving = talk.conversation.server({ reader, writer }, talk.topic);
    talk.served = serving.catch((error: unknown) => {
      if (!(error instanceof PlannedFailure)) throw error;
    });
    // Whoever converses hears of it, if anybody does.
    talk.served.catch(() => {});
    try {
      await serving;
    } catch (error) {
      if (talk.disturbs === undefined && !(error instanceof PlannedFailure))
        this.#note(error, false, "a server");
      throw error;
    }
  }

  #note(error: unknown, isExpected: boolean, where = ""): void {
    const { name } = error as Error;
    if (error instanceof PlannedFailure || (isExpected && OF_DISTURBANCES.has(name))) {
      count(this.#expectedErrors, name);
    } else this.problem(`${where === "" ? "a callback" : where}: ${(error as Error).stack ?? String(error)}`);
  }

  #now(): number {
    return performance.now() - this.#startedAt;
  }
}

/** Some turns later, whatever is under way then. */
function disturb({ writer }: Streams, { how, turns: wait }: Talk): void {
  void turns(wait).then(() => {
    if (how === "close") writer.close();
    else writer.transport[how]();
  });
}

/** That of a conversation that was not disturbed is a good one. */
async function ended(writer: StreamWriter, { disturbs }: Talk): Promise<void> {
  const waiting = writer.waitClosed();
  await (disturbs === undefined ? waiting : waiting.catch(() => {}));
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** With its first socket the runtime opens a descriptor that it keeps, for when there are no more. */
async function openReserve(): Promise<void> {
  const first = createServer().listen(0, "127.0.0.1");
  await once(first, "listening");
  first.close();
  await once(first, "close");
}

/** What each of them stands for, where the system tells. */
function descriptors(): string[] {
  if (!existsSync("/proc/self/fd")) return [];
  return readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return "the listing itself";
    }
  });
}
