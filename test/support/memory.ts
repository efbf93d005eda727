/** What a long run may add to the memory of a process that keeps nothing of it. */
import { versions } from "node:process";

const MEBIBYTE = 1_048_576;

/** In bytes. Bun and Deno collect what is left of a run later than Node.js. */
export const LITTLE_MEMORY: number =
  versions["deno"] !== undefined
    ? 160 * MEBIBYTE
    : versions["bun"] !== undefined
      ? 128 * MEBIBYTE
      : 64 * MEBIBYTE;
