/** What memory is still in use. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes outside of the heap that somebody holds, such as those of buffers; `undefined` where garbage cannot be collected. */
export function externalMemory(): number | undefined {
  if (collect === undefined) return undefined;
  collect();
  return process.memoryUsage().external;
}

const collect: (() => void) | undefined = findCollector();

function findCollector(): (() => void) | undefined {
  if (process.versions["bun"] !== undefined || process.versions["deno"] !== undefined) return undefined;
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
