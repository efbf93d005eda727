/** A protocol that writes down what its transport tells it. */
import type { Protocol } from "../transport/protocol.js";

/** "data" stands for any number of chunks in a row, "lost" is followed by the code or name of its error. */
export type Told = "made" | "data" | "eof" | "pause" | "resume" | "lost" | `lost ${string}`;

export class RecordingProtocol implements Protocol {
  readonly told: Told[] = [];
  /** How often nothing was buffered for writing any more. */
  timesEmptied = 0;
  /** What `connectionLost` was given. */
  error: Error | undefined;
  /** Called with each chunk. */
  onData: (chunk: Uint8Array) => void = () => {};
  /** What `eofReceived` does and returns. */
  onEof: () => boolean = () => true;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #waiting: { isDone: () => boolean; resolve: () => void }[] = [];

  /** All bytes so far. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get size(): number {
    return this.#size;
  }

  get isWritingPaused(): boolean {
    return this.told.findLast((name) => name === "pause" || name === "resume") === "pause";
  }

  get isLost(): boolean {
    return this.told.some((name) => name.startsWith("lost"));
  }

  /** Resolves once `isDone`, which is asked whenever something was told. */
  until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ isDone, resolve });
      this.#wake();
    });
  }

  /** Resolves when the buffer for writing has become empty again. */
  emptied(): Promise<void> {
    const before = this.timesEmptied;
    return this.until(() => this.timesEmptied > before);
  }

  lost(): Promise<void> {
    return this.until(() => this.isLost);
  }

  ended(): Promise<void> {
    return this.until(() => this.told.includes("eof"));
  }

  receivedBytes(size: number): Promise<void> {
    return this.until(() => this.#size >= size);
  }

  connectionMade(): void {
    this.#tell("made");
  }

  dataReceived(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.onData(chunk);
    this.#tell("data");
  }

  eofReceived(): boolean {
    const keepOpen = this.onEof();
    this.#tell("eof");
    return keepOpen;
  }

  connectionLost(error: Error | undefined): void {
    this.error = error;
    this.#tell(error === undefined ? "lost" : `lost ${(error as { code?: string }).code ?? error.name}`);
  }

  pauseWriting(): void {
    this.#tell("pause");
  }

  resumeWriting(): void {
    this.#tell("resume");
  }

  writeBufferEmptied(): void {
    this.timesEmptied++;
    this.#wake();
  }

  #tell(name: Told): void {
    if (name !== "data" || this.told.at(-1) !== "data") this.told.push(name);
    this.#wake();
  }

  #wake(): void {
    const done = this.#waiting.filter(({ isDone }) => isDone());
    this.#waiting = this.#waiting.filter((entry) => !done.includes(entry));
    for (const { resolve } of done) resolve();
  }
}
