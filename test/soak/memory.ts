/** What memory a process holds when nothing is under way, and how fast that grows. */
import { memoryUsage } from "node:process";
import { collectGarbage } from "../support/garbage.js";

/** In bytes, but for `at`: ms since the run began. */
export interface MemorySample {
  readonly at: number;
  readonly rss: number;
  readonly heapUsed: number;
  /** Outside of the heap, such as buffers. */
  readonly external: number;
}

export type MemoryKind = Exclude<keyof MemorySample, "at">;

export const MEMORY_KINDS: readonly MemoryKind[] = ["rss", "heapUsed", "external"];

/** A sample after garbage has been collected; twice, since finalisers free more. */
export async function sampleMemory(at: number): Promise<MemorySample> {
  for (let round = 0; round < 2; round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = memoryUsage();
  return { at, rss, heapUsed, external };
}

/** The second half: caches are full, and code is compiled. */
export function lateOf(samples: readonly MemorySample[]): readonly MemorySample[] {
  return samples.slice(Math.floor(samples.length / 2));
}

/** KB a minute, by least squares over the second half. */
export function growth(samples: readonly MemorySample[], kind: MemoryKind): number {
  const late = lateOf(samples);
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanAt, mean] = [meanOf(late.map(({ at }) => at)), meanOf(late.map((sample) => sample[kind]))];
  let [above, below] = [0, 0];
  for (const sample of late) {
    above += (sample.at - meanAt) * (sample[kind] - mean);
    below += (sample.at - meanAt) ** 2;
  }
  return below === 0 ? 0 : ((above / below) * 60_000) / 1_024;
}
