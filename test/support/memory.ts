/** What a long run may add to the memory of a process that keeps nothing of it. */
import { versions } from "node:process";

/** In bytes. Deno collects what is left of a run later than the others. */
export const LITTLE_MEMORY: number = (versions["deno"] === undefined ? 64 : 160) * 1_048_576;
