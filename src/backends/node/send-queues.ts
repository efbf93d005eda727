/** How much of what was sent by TCP the peer's system has not acknowledged, which Linux tells in its tables. */
import type { Endpoint, TcpEndpoint } from "../../transport/endpoint.js";
import { systemClock } from "../../waiting/clock.js";
import { fs } from "./builtins.js";

interface Table {
  readonly text: string;
  readonly readAt: number;
  /** In ms. Some 5 ms for each thousand connections of the machine, also those that have just ended. */
  readonly tookTime: number;
}

/** Of the time, what reading may take: with many connections the answers get older instead. */
const SHARE = 1 / 20;

/** A look reads a table of all connections of the machine: so one serves all that look at about the same time. */
export class SendQueues {
  readonly #read: (file: string) => string;
  readonly #now: () => number;
  readonly #tables = new Map<string, Table>();

  constructor(read: (file: string) => string, now: () => number) {
    this.#read = read;
    this.#now = now;
  }

  /** In bytes, as it was about `mostAge` ms ago at most; `undefined` if the system does not tell. */
  sizeOf(local: Endpoint | undefined, remote: Endpoint | undefined, mostAge: number): number | undefined {
    if (local?.kind !== "tcp" || remote?.kind !== "tcp") return undefined;
    const table = this.#table(local.family === 4 ? "/proc/net/tcp" : "/proc/net/tcp6", mostAge);
    const name = ` ${nameOf(local)} ${nameOf(remote)} `;
    const start = table.indexOf(name);
    if (start < 0) return undefined;
    const [, size] =
      /^\S+ ([0-9A-F]+):/.exec(table.slice(start + name.length, start + name.length + 30)) ?? [];
    return size === undefined ? undefined : Number.parseInt(size, 16);
  }

  #table(file: string, mostAge: number): string {
    const now = this.#now();
    const known = this.#tables.get(file);
    if (known !== undefined && now - known.readAt < Math.max(mostAge, known.tookTime / SHARE)) {
      return known.text;
    }
    const text = this.#read(file);
    this.#tables.set(file, { text, readAt: now, tookTime: this.#now() - now });
    return text;
  }
}

export const systemSendQueues: SendQueues = new SendQueues(
  (file) => {
    if (process.platform !== "linux") return "";
    try {
      return fs().readFileSync(file, "latin1");
    } catch {
      return "";
    }
  },
  () => systemClock.now(),
);

/** As the kernel prints an address: each four bytes as one number, in the order of the machine. */
function nameOf({ address, port, family }: TcpEndpoint): string {
  const bytes = Uint8Array.from(family === 4 ? address.split(".").map(Number) : bytesOfIpv6(address));
  const words = [...new Uint32Array(bytes.buffer)].map((word) => hex(word, 8));
  return `${words.join("")}:${hex(port, 4)}`;
}

function bytesOfIpv6(address: string): number[] {
  const [bare = ""] = address.split("%");
  const groups = bare.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...numbers: string[]) => {
    const [a, b, c, d] = numbers.map(Number) as [number, number, number, number];
    return `${hex(a * 256 + b, 4)}:${hex(c * 256 + d, 4)}`;
  });
  const [head = [], tail = []] = groups
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 255]);
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
