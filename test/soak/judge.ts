/** Whether a soak went well, and what it came to. */
import { growth, lateOf, MEMORY_KINDS, type MemoryKind } from "./memory.js";
import type { SoakReport } from "./soak.js";

/** How memory may grow: so fast in the long run, in KB a minute, and besides by so much that is not a leak, in KB. */
const BOUNDS: Readonly<Record<MemoryKind, { readonly speed: number; readonly slack: number }>> = {
  heapUsed: { speed: 1_024, slack: 4_096 },
  external: { speed: 1_024, slack: 4_096 },
  // The allocator takes its time until it has what it needs at most, and gives little back.
  rss: { speed: 4_096, slack: 65_536 },
};

/** Why it failed; nothing if it went well. */
export function judge({ problems, samples }: SoakReport): string[] {
  const late = lateOf(samples);
  const minutes = late.length === 0 ? 0 : (late.at(-1)!.at - late[0]!.at) / 60_000;
  const growing = MEMORY_KINDS.filter((kind) => {
    const { speed, slack } = BOUNDS[kind];
    return growth(samples, kind) * minutes > speed * minutes + slack;
  });
  return [
    ...problems,
    ...growing.map((kind) => `${kind} grows by ${growth(samples, kind).toFixed(0)} KB a minute`),
  ];
}

export function summarize(report: SoakReport): string {
  const { connections, bytes, took, samples } = report;
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const speeds = MEMORY_KINDS.map(
    (kind) =>
      `${kind} ${growth(samples, kind).toFixed(0)} (now ${((samples.at(-1)?.[kind] ?? 0) / 1_048_576).toFixed(0)} MiB)`,
  ).join(", ");
  return [
    `${connections} connections, ${(bytes / 1_048_576).toFixed(0)} MiB checked, in ${(took / 1_000).toFixed(0)} s`,
    `by transport: ${list(report.byTransport)}`,
    `by conversation: ${list(report.byConversation)}`,
    `expected errors: ${list(report.expectedErrors)}`,
    `memory in KB a minute, over the second half of ${samples.length} samples: ${speeds}`,
  ].join("; ");
}
