/** What memory is still in use, once garbage has been collected. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isBun } from "./runtime.js";

export const collectGarbage: () => void = findCollector();

/** Bytes outside of the heap that somebody holds, such as those of buffers; `undefined` where the runtime counts others. */
export function externalMemory(): number | undefined {
  if (isBun || process.versions["deno"] !== undefined) return undefined;
  collectGarbage();
  return process.memoryUsage().external;
}

function findCollector(): () => void {
  if (isBun) {
    const { Bun } = globalThis as unknown as { Bun: { gc(isSynchronous: boolean): void } };
    return () => Bun.gc(true);
  }
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
