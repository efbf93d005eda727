// What several rounds of the same measurements come to.

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many operations, as the workload counts them, the figures of one run stand for. */
export function operationsIn({ operations }, { messages = 1, bytes }) {
  return bytes === undefined ? operations * messages : operations / bytes;
}

/**
 * `rounds`: figures of one program, and `baseRounds` those of the base, in the same order. CPU in µs an operation, memory in
 * bytes; `relative` is how many operations it does for one of the base on the same CPU, round against round.
 */
export function summarize(rounds, baseRounds, workload) {
  const cost = (figures, part) => (part(figures) / operationsIn(figures, workload)) * 1e6;
  const total = (figures) => cost(figures, ({ user, system }) => user + system);
  const ratios = rounds.map((figures, round) => total(baseRounds[round]) / total(figures));
  const middle = (of) => median(rounds.map(of));
  return {
    cpu: middle(total),
    user: middle((figures) => cost(figures, ({ user }) => user)),
    system: middle((figures) => cost(figures, ({ system }) => system)),
    perSecond: middle((figures) => operationsIn(figures, workload) / figures.seconds),
    peakMemory: middle(({ peakMemory }) => peakMemory),
    memoryEach: middle(({ memoryEach }) => memoryEach),
    relative: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
  };
}
