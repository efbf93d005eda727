/** How much memory a process holds. When garbage is collected is up to the runtime, so what is held is what is left then. */
import { memoryUsage } from "node:process";
import { collectGarbage } from "./garbage.js";

/** Bytes that pass between two looks: so much garbage does not count as held, and is not enough to grow the heap for. */
const BETWEEN_LOOKS = 8 * 1_048_576;

/** Looks, from now on, at what is resident above what is so now. */
export class HeldMemory {
  readonly #atFirst: number = residentWithoutGarbage();
  #most = 0;
  #sinceLook = 0;

  /** To be called with the number of bytes that have passed since the last call. */
  passed(bytes: number): void {
    this.#sinceLook += bytes;
    if (this.#sinceLook < BETWEEN_LOOKS) return;
    this.#sinceLook = 0;
    this.#most = Math.max(this.#most, residentWithoutGarbage() - this.#atFirst);
  }

  /** The most that was added at any look, in bytes. */
  get added(): number {
    return this.#most;
  }
}

function residentWithoutGarbage(): number {
  collectGarbage();
  return memoryUsage.rss();
}
