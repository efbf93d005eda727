/** The reads of lines of one reader, by the rules of asyncio's `readline`. */
import { dropLine, takeThrough } from "../bytes/read-rules.js";
import { SeparatorSearch } from "../bytes/separator-search.js";
import { IncompleteReadError, LimitOverrunError } from "../errors.js";
import type { ReceiveBuffer } from "./receive-buffer.js";

type Bytes = Buffer<ArrayBuffer>;

const NEWLINE: readonly Uint8Array[] = [Uint8Array.of(0x0a)];

/** There is never more than one read, so that one search and one closure do for all. */
export class LineReads {
  readonly #buffer: ReceiveBuffer;
  readonly #search = new SeparatorSearch(NEWLINE);

  constructor(buffer: ReceiveBuffer) {
    this.#buffer = buffer;
  }

  /** What takes the next line. */
  begin(): () => Bytes | undefined {
    this.#search.restart();
    return this.#take;
  }

  /** An unfinished line at the end does not resume the transport, one that was dropped does. */
  readonly #take = (): Bytes | undefined => {
    const buffer = this.#buffer;
    try {
      const line = takeThrough(buffer.queue, this.#search, buffer.limit, buffer.isEnded);
      if (line !== undefined) buffer.resumeIfFree();
      return line;
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial;
      if (!(error instanceof LimitOverrunError)) throw error;
      const tooLong = dropLine(buffer.queue, buffer.limit, error);
      buffer.resumeIfFree();
      throw tooLong;
    }
  };
}
